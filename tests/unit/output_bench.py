"""An output on stand-ins, for either record path: whole batches are taken apart again by the client's own reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec
from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.runtime.batches.sending import BatchSender
from pipeline.runtime.batches.writing import packed
from pipeline.runtime.clients.cluster import TopicFacts
from pipeline.runtime.record_path import BATCHES, RECORDS, one_by_one
from pipeline.runtime.transactional.batch import Batch
from pipeline.runtime.transactional.handling import handle_all
from pipeline.runtime.transactional.output import Output
from pipeline.runtime.transactional.senders import RecordSender
from tests.unit.fake_kafka import FakeProducer, Raw, member
from tests.unit.fake_parts import FakeLeftovers, FakeWatchdog
from tests.unit.samples import TIMESTAMP_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.contracts.invalid import InvalidMessageError
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.clients.leftovers import Leftovers
    from pipeline.runtime.transactional.senders import Sender
    from tests.unit.fake_kafka import Sent

LIMIT = 200_000
HOP = topics.hop_by("target")
FACTS = {topic: TopicFacts(f"name-of-{topic.key}", f"id-of-{topic.key}", 4, LIMIT) for topic in (*topics.ALL, HOP)}

INPUT: Final = TopicPartition("input", 0)
BATCH: Final = Batch({INPUT: [Raw(7), Raw(9)]}, member(5), one_by_one(is_input=True).read)

SENDERS: Final[dict[str, Callable[[], Sender]]] = {RECORDS: RecordSender, BATCHES: BatchSender}


class Bench:
    """An output whose producers a test can see; ``now_ms`` is the wall clock, ``path`` the way of its records."""

    def __init__(self, path: str, *producers: FakeProducer, now_ms: int = TIMESTAMP_MS) -> None:
        self.path = path
        self.producers = list(producers) or [FakeProducer()]
        waiting = iter(self.producers)
        self.watchdog = FakeWatchdog()
        self.leftovers = FakeLeftovers()
        self._sender = SENDERS[path]()
        self.output = Output(
            lambda: next(waiting),
            FACTS,
            self.watchdog.standing_in(),
            lambda: now_ms,
            cast("Leftovers", self.leftovers),
            self._sender,
        )
        self.output.begin(BATCH)

    @property
    def producer(self) -> FakeProducer:
        """The first of them."""
        return self.producers[0]

    @property
    def sent(self) -> list[Sent]:
        """What the first of them was given, with what was held back."""
        self._sender.finish()
        return self.producer.sent

    def as_read(self, record: Record) -> Record:
        """Return a record as the reader of this path makes it: only that of batches keeps the bytes of its body."""
        if self.path == RECORDS:
            return record
        return msgspec.structs.replace(record, body=packed(record.key) + packed(record.value))

    def write(self, record: Record, outgoing: Sequence[Outgoing]) -> None:
        """Write what is outgoing because of a record.

        Raises:
            InvalidMessageError: it is refused.

        """
        refused: list[InvalidMessageError] = []
        handle_all([self.as_read(record)], lambda _: outgoing, self.output, lambda _, error: refused.append(error))
        if refused:
            raise refused[0]
