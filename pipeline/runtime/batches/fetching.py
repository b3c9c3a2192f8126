"""Lets a consumer ask for records when it is polled, so that a batch holds what had come by then.

The client asks for the next records as soon as it hands out some that lay here. The broker answers at once, with the
few that are there; they lie here during the transaction at hand, and so on for as long as something comes: each
transaction is of what came before the last, and a record takes two and a half of them where one and a half will do.
Only where a backlog waits is it right to ask ahead, and that stays.

It leans on names of the client that are not public; ``compatible`` says with which versions it was tested.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaTimeoutError

from pipeline.runtime.wire.fetches import Fetches

if TYPE_CHECKING:
    from collections.abc import Callable

# For brokers to answer that have something: without, what each of them has would be a transaction of its own.
TOGETHER_SECONDS: Final = 0.003
# Transactions of who keeps up begin at least so far apart. Quicker ones are more of them, and each takes a few
# milliseconds of a core, and of the broker's: at 1,000 records a second this is a quarter less of both, for a
# millisecond or two at the median. Where records come seldom, nobody waits.
APART_SECONDS: Final = 0.007
# Records of a partition that wait at the broker. Fewer may be those of transactions that are not committed yet.
BACKLOG: Final = 1_000

Found = dict[Any, list[Any]]


def fetch_when_polled(
    consumer: Any,  # noqa: ANN401 (a client without types)
    count: Callable[[list[Any]], int] = len,
    *,
    apart_seconds: float = 0.0,
) -> None:
    """Let this consumer ask for records when it is polled, from now on, and by itself (see ``wire.fetches``).

    ``count`` tells how many records there are in what a poll brings of a partition. While no backlog waits, it asks
    ``apart_seconds`` after it has asked before, at the earliest.
    """
    fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)
    fetches = Fetches(fetcher)
    fetcher.send_fetches, fetcher.in_flight_fetches = fetches.send, fetches.under_way
    fetcher.fetch_records = _Fetching(fetcher, fetches, count, apart_seconds).fetch
    close = consumer.close

    def close_all(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 (the client's own)
        fetches.close()
        close(*arguments, **keywords)

    consumer.close = close_all
    _know_the_coordinator(consumer._coordinator)  # noqa: SLF001


def _know_the_coordinator(group: Any) -> None:  # noqa: ANN401 (a client without types)
    """Look for the group's coordinator, which changes threads, only where there is no connection to it."""
    look_for_it = group.ensure_coordinator_ready

    def ensure(timeout_ms: float | None = None) -> bool:
        known = group.coordinator_id
        if known is not None and group._client.connected(known):  # noqa: SLF001 (there is no public way)
            return True
        return bool(look_for_it(timeout_ms=timeout_ms))

    group.ensure_coordinator_ready = ensure


class _Fetching:
    """Takes the place of a fetcher's ``fetch_records``."""

    def __init__(
        self,
        fetcher: Any,  # noqa: ANN401 (a client without types)
        fetches: Fetches,
        count: Callable[[list[Any]], int],
        apart_seconds: float,
    ) -> None:
        self._fetcher = fetcher
        self._fetches = fetches
        self._count = count
        self._apart_seconds = apart_seconds
        self._asked_at = float("-inf")
        self._keeps_up = True

    def fetch(self, max_records: int, *, update_offsets: bool = True, timeout_ms: float = 0.0) -> tuple[Found, bool]:
        """Return records by partition, and whether there is nothing to wait for."""
        if self._keeps_up:
            self._ask()
        self._fetches.receive(TOGETHER_SECONDS if self._keeps_up else 0, everything=self._keeps_up)
        found, more = self._fetcher.fetched_records(max_records, update_offsets=update_offsets)
        if not found:
            if not self._wait(timeout_ms):
                self._keeps_up = True
                return found, True
            found, more = self._fetcher.fetched_records(max_records, update_offsets=update_offsets)
        self._keeps_up = not (more or self._behind(found, max_records))
        if not (self._keeps_up or more):
            self._fetcher.send_fetches()
        return found, False

    def _ask(self) -> None:
        """Ask for what came since, once it is time; what was asked for before is waited for in any case."""
        if self._apart_seconds and not self._fetches.asked:
            early = self._asked_at + self._apart_seconds - time.monotonic()
            if early > 0:
                time.sleep(early)
            self._asked_at = time.monotonic()
        self._fetcher.send_fetches()

    def _wait(self, timeout_ms: float) -> bool:
        """Wait for an answer, or until it is known where to begin; return False where nothing is to come."""
        if self._fetches.asked:
            self._fetches.receive(timeout_ms / 1000)
            return True
        reset = self._fetcher._reset_task  # noqa: SLF001 (there is no public way)
        if reset is None or reset.is_done:
            return False
        with suppress(KafkaTimeoutError):
            self._fetcher._net.run(self._fetcher._manager.wait_for, reset, timeout_ms)  # noqa: SLF001
        return True

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
