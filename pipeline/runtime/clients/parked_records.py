"""Lets the client read on in a partition that was paused while records of it lay here.

Its consumer parks such records, and takes them up again once the partition is resumed, but only while it has no others
in hand. What it has read to the end counts as in hand. So the partition may stay parked for ever, and is not fetched
either, as its records seem to be here. With this, what is read to the end is put away first.
"""

from __future__ import annotations

from typing import Any, Final

from kafka.consumer.fetcher import Fetcher

_fetched_as_it_was: Final = Fetcher.fetched_records


def _fetched(fetcher: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 (no types)
    if not fetcher._next_partition_records:  # noqa: SLF001 (there is no public way)
        fetcher._next_partition_records = None  # noqa: SLF001
    return _fetched_as_it_was(fetcher, *arguments, **keywords)


def install() -> None:
    """Let every consumer of this process read on; doing so again changes nothing."""
    Fetcher.fetched_records = _fetched
