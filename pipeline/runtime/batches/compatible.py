"""With which client the batch path was tested; with any other, records are moved one by one."""

from __future__ import annotations

from typing import Final

TESTED: Final = ("3.0.12",)


def why_not(version: str, *, fast_checksums: bool) -> str | None:
    """Return why this version of kafka-python is not to be trusted with whole batches, or None where it is."""
    if version not in TESTED:
        return f"kafka-python {version} was not tested with whole batches, only {', '.join(TESTED)}"
    if not fast_checksums:
        return "the package crc32c is not installed: checksums of whole batches would take longer than all the rest"
    return None
