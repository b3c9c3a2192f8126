"""Lets the client go on behind a batch that it could not read.

Of one whose checksum fails, or that cannot be unpacked, its consumer says so once and keeps what it has fetched. From
then on ``poll`` looks at that again and again, has nothing left to read of it, and never returns. With this it forgets
what it has fetched with the error, and fetches from its position anew: it says the same again, or reads on where the
bytes had only come to harm on their way.
"""

from __future__ import annotations

from typing import Any, Final

from kafka.consumer.fetcher import Fetcher

_take_once: Final = Fetcher.PartitionRecords.take


def _take(part: Any, n: int | None = None) -> Any:  # noqa: ANN401 (no types)
    try:
        return _take_once(part, n)
    except Exception:
        part.drain()
        raise


def install() -> None:
    """Let every consumer of this process go on; doing so again changes nothing."""
    Fetcher.PartitionRecords.take = _take
