"""Lets a consumer ask for records when it is polled, so that a batch holds what had come by then.

The client asks for the next records as soon as it hands out some that lay here. The broker answers at once, with the
few that are there; they lie here during the transaction at hand, and so on for as long as something comes: each
transaction is of what came before the last, and a record takes two and a half of them where one and a half will do.
Only where more waits than a poll may bring is it right to ask ahead, and that stays.

It leans on names of the client that are not public; ``compatible`` says with which versions it was tested.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from kafka.errors import KafkaTimeoutError
from kafka.future import Future

# For brokers to answer that have something: without, what each of them has would be a transaction of its own.
TOGETHER_MS: Final = 3.0


def fetch_when_polled(consumer: Any) -> None:  # noqa: ANN401 (a client without types)
    """Let this consumer ask for records when it is polled, from now on."""
    fetcher = consumer._fetcher  # noqa: SLF001 (there is no public way)
    fetcher.fetch_records = _Fetching(fetcher, fetcher.fetch_records)


class _Fetching:
    """Takes the place of a fetcher's ``fetch_records``, and uses that where there is nothing but to wait."""

    def __init__(self, fetcher: Any, wait_for_some: Any) -> None:  # noqa: ANN401 (a client without types)
        self._fetcher = fetcher
        self._wait_for_some = wait_for_some
        self._keeps_up = True

    def __call__(self, max_records: int, **options: Any) -> tuple[dict[Any, list[Any]], bool]:  # noqa: ANN401
        """Return records by partition, and whether there is nothing to wait for; ``options`` are the client's own."""
        if self._keeps_up:
            self._fetcher.send_fetches()
            self._wait_for_all()
        found, more = self._fetcher.fetched_records(max_records, update_offsets=options.get("update_offsets", True))
        full = _count(found) >= max_records
        if full and not more:
            self._fetcher.send_fetches()
        idle = False
        if not found:
            found, idle = self._wait_for_some(max_records, **options)
            full = _count(found) >= max_records
        self._keeps_up = not (full or more)
        return found, idle

    def _wait_for_all(self) -> None:
        """Wait a little for all brokers that were asked."""
        asked = [future for future in list(self._fetcher._fetch_futures) if not future.is_done]  # noqa: SLF001
        answered = Future()

        def look(_outcome: Any) -> None:  # noqa: ANN401 (no types)
            if all(future.is_done for future in asked) and not answered.is_done:
                answered.success(None)

        for future in asked:
            future.add_both(look)
        if asked:
            with suppress(KafkaTimeoutError):
                self._fetcher._net.run(self._fetcher._manager.wait_for, answered, TOGETHER_MS)  # noqa: SLF001


def _count(found: dict[Any, list[Any]]) -> int:
    return sum(map(len, found.values()))
