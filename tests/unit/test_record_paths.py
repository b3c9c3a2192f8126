"""Both ways of records write the same: whatever is written one by one is in the batches, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing, Record
from pipeline.runtime.batches import sending
from pipeline.runtime.record_path import BATCHES, RECORDS
from tests.unit.fake_kafka import FakeProducer, batch_of
from tests.unit.output_bench import FACTS, HOP, LIMIT, Bench
from tests.unit.samples import TIMESTAMP_MS

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

    from pipeline.runtime.batches.writing import BatchBuilder
    from tests.unit.fake_kafka import FakeFuture, Sent

Step = tuple[Record, list[Outgoing] | None]

ERROR = InvalidMessageError(Reason.MISSING_MEMBER, "member 'amount' is missing")
BYTES = st.sampled_from([None, b"", b"k"]) | st.binary(max_size=200)
LARGE = st.just(b"v" * (LIMIT // 2)) | st.just(b"v" * LIMIT)
NAMES = st.text(max_size=8) | st.sampled_from([kind.name for kind in headers.ALL]) | st.just("pipeline.forged")
FOREIGN = st.tuples(NAMES, st.none() | st.binary(max_size=20) | st.sampled_from([b"0:0", b"17"]))
TIMES = st.sampled_from([-1, 0, TIMESTAMP_MS, TIMESTAMP_MS - 9, 2**62, -(2**62)]) | st.integers(-(2**63), 2**63 - 1)
ORIGINS = st.none() | st.builds(Coordinates, st.integers(0, 99), st.integers(0, 2**62))
OUTGOING = st.builds(
    Outgoing,
    st.sampled_from([topics.LEGIT, topics.FRAUD]),
    st.none() | st.binary(max_size=300),
    st.lists(st.tuples(st.just("pipeline.attempt"), st.binary(max_size=3)), max_size=2).map(tuple),
)
SO_FAR = st.tuples(st.just("pipeline.so-far"), st.binary(max_size=80) | st.just(b"h" * LIMIT))
TO_HOP = st.builds(
    Outgoing,
    st.just(HOP),
    st.none() | st.just(b"new"),
    st.lists(SO_FAR | st.just(("pipeline.hits", b"r")), min_size=1, max_size=2).map(tuple),
    st.sampled_from([b"", b"B2", b"C3", b"a longer one", b"D" * 300]),
)
# As records are between two stages, mostly with nothing else.
BETWEEN = st.tuples(
    st.tuples(st.just("pipeline.origin"), st.just(b"5:41")),
    SO_FAR,
    st.tuples(st.just("pipeline.key"), st.none() | st.binary(max_size=80)),
    FOREIGN,
)
BETWEEN_HEADERS = st.builds(lambda between, count: between[:count], BETWEEN, st.sampled_from([2, 3, 3, 3, 4]))
READ = st.builds(
    Record,
    st.just("input"),
    st.integers(0, 9),
    st.integers(0, 2**40),
    TIMES,
    BYTES,
    BYTES | LARGE,
    st.lists(FOREIGN, max_size=3).map(tuple),
    ORIGINS,
) | st.builds(
    Record,
    st.sampled_from([FACTS[HOP].name, FACTS[HOP].name, "input"]),
    st.integers(0, 9),
    st.integers(0, 2**40),
    TIMES,
    BYTES,
    BYTES | LARGE,
    BETWEEN_HEADERS,
    ORIGINS,
)
# None of a step's outgoing records stands for a dead letter.
STEPS = st.lists(st.tuples(READ, st.none() | st.lists(OUTGOING | TO_HOP, max_size=3)), max_size=12)


def play(path: str, steps: list[Step]) -> tuple[list[Sent], list[str]]:
    """Return what one path hands over because of some records, and which of them it refuses."""
    bench, refused = Bench(path), []
    for read, outgoing in steps:
        try:
            if outgoing is None:
                bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, bench.as_read(read), ERROR, "detector")
            else:
                bench.write(read, outgoing)
        except InvalidMessageError as error:
            refused.append(f"{error.reason} {error.detail}")
    return bench.sent, refused


def as_the_client_writes(sent: list[Sent]) -> bytes:
    """Return records as the client's own builder writes them into one batch."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10**9)
    for number, one in enumerate(sent):
        builder.append(number, one.timestamp_ms, one.key, one.value, one.headers)
    return bytes(builder.build())


def writable(steps: list[Step]) -> list[Step]:
    """Return the steps without a record that has neither key nor value, which the client refuses to send."""
    return [
        (read, outgoing)
        for read, outgoing in steps
        if outgoing is None or read.key is not None or all((one.value or read.value) is not None for one in outgoing)
    ]


@given(STEPS.map(writable), st.sampled_from([1, 300, sending.BATCH_BYTES]))
def test_what_goes_one_by_one_is_in_the_batches_byte_for_byte(steps: list[Step], batch_bytes: int) -> None:
    """Keys, values, headers, times, origins, letters: what the client makes of single records is the batch.

    However many batches it takes, nothing is left out, doubled, or out of the order of its partition.
    """
    batches: dict[TopicPartition, list[BatchBuilder]] = {}

    def keep(producer: FakeProducer, place: TopicPartition, builder: BatchBuilder) -> FakeFuture:
        batches.setdefault(place, []).append(builder)
        return producer.take([])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "BATCH_BYTES", batch_bytes)
        patch.setattr(FakeProducer, "hand_over", keep)
        _, refused = play(BATCHES, steps)
    sent, expected_refused = play(RECORDS, steps)
    assert refused == expected_refused
    assert {(one.topic, one.partition) for one in sent} == batches.keys()
    for place, builders in batches.items():
        waiting = [one for one in sent if (one.topic, one.partition) == place]
        for builder in builders:
            assert batch_of(builder) == as_the_client_writes(waiting[: builder.count])
            del waiting[: builder.count]
        assert waiting == []
