"""A batch holds what had come when it was asked for: records are fetched when they are polled."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer

from pipeline.runtime.batches.fetching import fetch_when_polled
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import input_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

# An answer without records takes longer than any other step here.
FETCH_WAIT_MS, REQUEST_MS = 90_000, 100_000
SOON_MS, AT_ONCE_MS = 60_000, 500


class Polling:
    """A consumer of one partition, and a producer for it; an answer without records takes longer than any test."""

    def __init__(self, pipeline: Deployment, producer: Any) -> None:
        self.times_asked = 0
        self._place, self._producer = input_of(pipeline), producer
        self._consumer = KafkaConsumer(
            bootstrap_servers=pipeline.bootstrap,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=REQUEST_MS,
        )

    def begin(self, prepare: Callable[[Any], None]) -> None:
        """Read record 0, which came while nobody polled: the client asks ahead when it hands out such a one."""
        prepare(self._consumer)
        self._count(self._consumer._fetcher)  # noqa: SLF001 (nothing public tells)
        self._consumer.assign([self._place])
        eventually(lambda: not self.poll(within_ms=AT_ONCE_MS) and self.asked, WITHIN, "a request that is under way")
        self.send(0)
        eventually(lambda: not self.asked, WITHIN, "its answer, with nobody polling")
        assert self.poll() == [b"0"]

    def _count(self, fetcher: Any) -> None:
        ask = fetcher.send_fetches

        def send_fetches() -> Any:
            self.times_asked += 1
            return ask()

        fetcher.send_fetches = send_fetches

    @property
    def asked(self) -> bool:
        """Whether a request for records is under way."""
        return bool(self._consumer._fetcher.in_flight_fetches())  # noqa: SLF001 (nothing public tells)

    def send(self, *numbers: int) -> None:
        """Let records come."""
        for number in numbers:
            self._producer.send(self._place.topic, b"%d" % number, partition=self._place.partition).get(timeout=WITHIN)

    def poll(self, records: int = 500, within_ms: int = SOON_MS) -> list[bytes]:
        """Return the records of one poll, as soon as there are some."""
        found = self._consumer.poll(timeout_ms=within_ms, max_records=records)
        return [record.value for record in found.get(self._place, [])]

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close(timeout_ms=1_000)


@contextmanager
def polling(deploy: Callable[..., Deployment], prepare: Callable[[Any], None]) -> Iterator[Polling]:
    """Yield a consumer that has read record 0."""
    pipeline = deploy(partitions=1)
    with pipeline.producer() as producer:
        one = Polling(pipeline, producer)
        try:
            one.begin(prepare)
            yield one
        finally:
            one.close()


def test_a_poll_brings_all_that_came_during_the_last_transaction(deploy: Callable[..., Deployment]) -> None:
    """They are one transaction, and none of them waits for another."""
    with polling(deploy, fetch_when_polled) as one:
        assert not one.asked
        one.send(1, 2)
        assert one.poll() == [b"1", b"2"]


def test_without_it_the_first_of_them_comes_alone(deploy: Callable[..., Deployment]) -> None:
    """With the guard out: what the client asked for when it handed out the last is answered by the next alone."""
    with polling(deploy, lambda _consumer: None) as one:
        assert one.asked
        one.send(1)
        eventually(lambda: not one.asked, WITHIN, "the answer, with nobody polling")
        one.send(2)
        assert one.poll() == [b"1"]


def test_who_keeps_up_asks_no_sooner_than_it_is_told_to(deploy: Callable[..., Deployment]) -> None:
    """Quicker transactions would be more of them; what comes meanwhile goes together."""
    apart = 1.0
    with polling(deploy, lambda consumer: fetch_when_polled(consumer, apart_seconds=apart)) as one:
        one.send(1)
        assert one.poll() == [b"1"]
        one.times_asked = 0
        begun = time.monotonic()
        for number in (2, 3, 4):
            one.send(number)
            assert one.poll() == [b"%d" % number]
        assert one.times_asked == 3
        assert time.monotonic() - begun >= 2 * apart  # from the first of them to the third


def test_where_more_waits_than_is_asked_for_it_is_fetched_ahead(deploy: Callable[..., Deployment]) -> None:
    """A backlog is read as fast as ever: the next records come while the last are handled."""
    with polling(deploy, fetch_when_polled) as one:
        one.send(1, 2, 3, 4, 5)
        assert one.poll(2) == [b"1", b"2"]
        for found, times in (([b"3", b"4"], 1), ([b"5"], 0), ([], 1)):
            one.times_asked = 0
            assert one.poll(2, SOON_MS if found else AT_ONCE_MS) == found
            assert min(1, one.times_asked) == times
