"""Lets a consumer ask for records when it is polled, so that a batch holds what had come by then.

The client asks for the next records as soon as it hands out some that lay here. The broker answers at once, with the
few that are there; they lie here during the transaction at hand, and so on for as long as something comes: each
transaction is of what came before the last, and a record takes two and a half of them where one and a half will do.
Only where a backlog waits is it right to ask ahead, and that stays.

It leans on names of the client that are not public; ``compatible`` says with which versions it was tested.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaTimeoutError
from kafka.future import Future

if TYPE_CHECKING:
    from collections.abc import Callable

# For brokers to answer that have something: without, what each of them has would be a transaction of its own.
TOGETHER_MS: Final = 3.0
# Records of a partition that wait at the broker. Fewer may be those of transactions that are not committed yet.
BACKLOG: Final = 1_000

Found = dict[Any, list[Any]]


def fetch_when_polled(consumer: Any, count: Callable[[list[Any]], int] = len) -> None:  # noqa: ANN401 (no types)
    """Let this consumer ask for records when it is polled, from now on.

    ``count`` tells how many records there are in what a poll brings of a partition.
    """
    fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)
    fetcher.fetch_records = _Fetching(fetcher, count).fetch


class _Fetching:
    """Takes the place of a fetcher's ``fetch_records``."""

    def __init__(self, fetcher: Any, count: Callable[[list[Any]], int]) -> None:  # noqa: ANN401 (no types)
        self._fetcher = fetcher
        self._count = count
        self._keeps_up = True

    def fetch(
        self, max_records: int, *, update_offsets: bool = True, timeout_ms: float | None = None
    ) -> tuple[Found, bool]:
        """Return records by partition, and whether there is nothing to wait for."""
        if self._keeps_up:
            self._fetcher.send_fetches()
            self._wait(self._asked(), all, TOGETHER_MS)
        # Before looking: an answer that comes in between is waited for, and found at once.
        asked = self._asked()
        found, more = self._fetcher.fetched_records(max_records, update_offsets=update_offsets)
        if not found and self._keeps_up:
            if not asked:
                return found, True
            self._wait(asked, any, timeout_ms)
            found, more = self._fetcher.fetched_records(max_records, update_offsets=update_offsets)
        self._keeps_up = not (more or self._behind(found, max_records))
        if not (self._keeps_up or more):
            self._fetcher.send_fetches()
        return found, False

    def _asked(self) -> list[Any]:
        """Return what may bring records: requests, and the search for where to begin."""
        asked = list(self._fetcher._fetch_futures)  # noqa: SLF001 (there is no public way)
        reset = self._fetcher._reset_task  # noqa: SLF001
        return asked if reset is None or reset.is_done else [*asked, reset]

    def _behind(self, found: Found, max_records: int) -> bool:
        """Tell whether more waits than was found."""
        if sum(map(self._count, found.values())) >= max_records:
            return True
        for place in found:
            state = self._fetcher._subscriptions.assignment.get(place)  # noqa: SLF001 (there is no public way)
            if state is None or state.position is None or state.highwater is None:
                continue
            if state.highwater - state.position.offset > BACKLOG:
                return True
        return False

    def _wait(self, asked: list[Any], enough: Callable[[list[bool]], bool], timeout_ms: float | None) -> None:
        """Wait until ``enough`` of them are done, and no longer than the time-out."""
        done = Future()

        def look(_outcome: Any) -> None:  # noqa: ANN401 (no types)
            if enough([one.is_done for one in asked]) and not done.is_done:
                done.success(None)

        for one in asked:
            one.add_both(look)
        if asked and not done.is_done:
            with suppress(KafkaTimeoutError):
                self._fetcher._net.run(self._fetcher._manager.wait_for, done, timeout_ms)  # noqa: SLF001
