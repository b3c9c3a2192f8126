"""Both ways of records read the same from a real Kafka, whatever stands there and however much of it is asked for."""

from __future__ import annotations

import struct
import threading
import time
from contextlib import ExitStack, closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from kafka import KafkaConsumer
from kafka.consumer import fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBase
from kafka.record.util import calc_crc32c

from pipeline.contracts import topics
from pipeline.runtime.batches.producing import hand_over, send_now
from pipeline.runtime.batches.reading import RawBatch, records_in
from pipeline.runtime.batches.varints import quickly
from pipeline.runtime.batches.writing import HEADER_BYTES, BatchBuilder, packed, packed_headers
from pipeline.runtime.clients import broken_batches
from pipeline.runtime.clients.consumers import reader
from pipeline.runtime.clients.producers import transactional_producer
from pipeline.runtime.record_path import BATCHES, RECORDS, in_batches, one_by_one
from tests.support.eventually import eventually
from tests.support.parts import GOOD, input_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.contracts.records import Record
    from pipeline.runtime.record_path import RecordPath
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

PATHS: Final[dict[str, Callable[..., RecordPath]]] = {BATCHES: in_batches, RECORDS: one_by_one}
WITHIN = 120.0
BATCH = 100

paths = pytest.mark.parametrize("path", PATHS)


class Reader:
    """A consumer of the one partition of a pipeline's input, on one of the paths."""

    def __init__(self, pipeline: Deployment, path: str, consumer: Any, *, is_input: bool = True) -> None:
        self.place = input_of(pipeline)
        self.consumer = consumer
        self._path = PATHS[path](is_input=is_input)
        self._path.prepare(consumer)
        consumer.assign([self.place])

    def poll(self, max_records: int = 500) -> list[Record]:
        """Return what one poll brings."""
        polled = self.consumer.poll(timeout_ms=200, max_records=max_records)
        return [
            msgspec.structs.replace(record, body=None)
            for part in polled.values()
            for piece in self._path.read(part)
            for record in piece
        ]

    @property
    def position(self) -> int:
        """Where it reads on."""
        return int(self.consumer.position(self.place))

    def polls(self, start: int = 0, max_records: int = 500) -> Iterator[list[Record]]:
        """Yield what every poll brings that brings something, up to the end that there is."""
        self.consumer.seek(self.place, start)
        end = self.consumer.end_offsets([self.place])[self.place]
        while self.position < end:
            found: list[Record] = []

            def more(found: list[Record] = found) -> bool:
                found += self.poll(max_records)
                return bool(found) or self.position >= end

            eventually(more, WITHIN, f"records up to {end}")
            yield found


def read_on(
    pipeline: Deployment, path: str, starts: Iterable[int], *, isolation: str = "read_committed", is_input: bool = True
) -> dict[int, tuple[list[Record], int]]:
    """Return by offset what one path reads from there on, and the position behind it."""
    made = KafkaConsumer(bootstrap_servers=pipeline.bootstrap, isolation_level=isolation, auto_offset_reset="none")
    with closing(made) as consumer:
        one = Reader(pipeline, path, consumer, is_input=is_input)
        return {start: ([record for polled in one.polls(start) for record in polled], one.position) for start in starts}


def agreed(pipeline: Deployment, *starts: int, **how: Any) -> dict[int, list[Record]]:
    """Return by offset what both paths read from there on, up to the same position."""
    found = read_on(pipeline, BATCHES, starts, **how)
    assert found == read_on(pipeline, RECORDS, starts, **how)
    return {start: records for start, (records, _) in found.items()}


def put_batches(pipeline: Deployment, count: int, **config: Any) -> None:
    """Write batches of a hundred records each, which differ."""
    with pipeline.producer(linger_ms=60_000, batch_size=10**6, **config) as producer:
        for number in range(count * BATCH):
            own = [("number", b"%d" % number)] if number % 3 else []
            key = None if number % 5 else b"%d" % (number % 7)
            producer.send(input_of(pipeline).topic, GOOD + b" " * (number % 200), key=key, headers=own, partition=0)
            if (number + 1) % BATCH == 0:
                producer.flush(timeout=30)


def hand(pipeline: Deployment, *bodies: bytes) -> None:
    """Write one batch of records that are made of these bytes: keys, values and headers as they stand in it."""
    builder = BatchBuilder(10**6)
    for body in bodies:
        builder.add(1_795_363_200_123, body)
    with pipeline.producer() as producer:
        hand_over(producer, input_of(pipeline), builder)
        send_now(producer)


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_every_start_in_a_batch_reads_the_same(codec: str | None, deploy: Callable[..., Deployment]) -> None:
    """At the first record, in the middle, at the last and behind it, under every compression."""
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 2, compression_type=codec)
    found = agreed(pipeline, 0, 1, BATCH // 2, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH - 1)
    for start, records in found.items():
        assert [record.offset for record in records] == list(range(start, 2 * BATCH))


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_what_was_committed_and_aborted_in_turns_is_told_apart(
    isolation: str, deploy: Callable[..., Deployment]
) -> None:
    """Producers whose transactions overlap, their markers between the batches of others, and somebody without any."""
    pipeline = deploy(partitions=1)
    name = input_of(pipeline).topic
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(closing(transactional_producer(pipeline.settings.kafka, f"{pipeline.tag}-{number}", 0)))
            for number in "12"
        )
        for number, (first, second) in enumerate([("commit", "abort"), ("abort", "commit"), ("abort", "abort")]):
            one.begin_transaction()
            two.begin_transaction()
            for part in range(3):
                for producer, said, end in ((one, b"one", first), (two, b"two", second)):
                    producer.send(name, b"%d.%d %s %s" % (number, part, said, end.encode()), partition=0)
                    producer.flush()
            pipeline.put(b"%d nobody" % number)
            getattr(one, f"{first}_transaction")()
            two.send(name, b"%d.9 two %s" % (number, second.encode()), partition=0)
            two.flush()
            getattr(two, f"{second}_transaction")()
    found = agreed(pipeline, *range(30), isolation=isolation)
    values = [record.value or b"" for record in found[0]]
    expected = 3 + 3 + 4 if isolation == "read_committed" else 3 + 3 * (6 + 1)
    assert len(values) == expected
    assert any(b"abort" in value for value in values) == (isolation == "read_uncommitted")
    for start, records in found.items():
        assert records == [record for record in found[0] if record.offset >= start]


def test_the_brokers_time_is_read(deploy: Callable[..., Deployment]) -> None:
    """Where a topic says so, every record of a batch has the time at which the broker took it."""
    pipeline = deploy(partitions=1)
    pipeline.set_config(topics.TRANSACTIONS, {"message.timestamp.type": "LogAppendTime"})
    hand(pipeline, *[packed(None) + packed(GOOD) + packed_headers([])] * 3)
    put_batches(pipeline, 1, compression_type="gzip")
    found = agreed(pipeline, 1)[1]
    assert len({record.timestamp_ms for record in found[:2]}) == 1
    assert all(record.timestamp_ms != 1_795_363_200_123 for record in found)


@pytest.mark.parametrize("is_input", [True, False])
def test_nothing_stands_for_something_else(is_input: bool, deploy: Callable[..., Deployment]) -> None:  # noqa: FBT001 (both)
    """Null and empty keys and values, headers without a value, names that are no UTF-8, and names of ours."""
    pipeline = deploy(partitions=1)
    contents = [packed(content) for content in (None, b"", b"x" * 9_000)]
    own = b"".join(
        packed(name) + packed(value)
        for name, value in [(b"null", None), (b"\xff\xfe-name", b"x"), (b"", b""), (b"pipeline.origin", b"3:41")]
    )
    hand(
        pipeline, *[key + value + more for key in contents for value in contents for more in (b"\0", quickly(4) + own)]
    )
    found = agreed(pipeline, 0, is_input=is_input)[0]
    assert len(found) == 18
    assert {record.key for record in found} == {record.value for record in found} == {None, b"", b"x" * 9_000}
    foreign = (("null", None), ("\\xff\\xfe-name", b"x"), ("", b""))
    assert {record.headers for record in found} == {
        (),
        foreign if is_input else (*foreign, ("pipeline.origin", b"3:41")),
    }


@paths
def test_a_batch_in_parts_is_read_once(path: str, deploy: Callable[..., Deployment]) -> None:
    """Seven records a poll, of batches of a hundred: each record once, and the position follows every poll."""
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 3)
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        one = Reader(pipeline, path, consumer)
        offsets: list[int] = []
        for polled in one.polls(max_records=7):
            assert len(polled) <= 7
            offsets += [record.offset for record in polled]
            assert one.position == offsets[-1] + 1
    assert offsets == list(range(3 * BATCH))


@paths
def test_a_seek_into_what_was_fetched_is_followed(path: str, deploy: Callable[..., Deployment]) -> None:
    """Back and ahead, in the middle of a batch of which a part was read: what comes begins there."""
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 2)
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        one = Reader(pipeline, path, consumer)
        for start in (0, 50, 10, 150, 99, 100):
            first = next(one.polls(start, max_records=30))
            assert [record.offset for record in first] == list(range(start, start + len(first)))


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]) -> None:
    """Let everything that is fetched be changed before it is read."""
    monkeypatch.setattr(fetcher, "MemoryRecords", lambda fetched: MemoryRecords(change(bytes(fetched or b""))))


def compacted(fetched: bytes) -> bytes:
    """Return batches as compaction leaves them: every third record is left, and each batch's last offset as it was."""
    batches, found = MemoryRecords(fetched), b""
    while (batch := batches.next_batch()) is not None:
        buffer = bytes(batch._buffer)  # noqa: SLF001 (there is no public way)
        raw = RawBatch(buffer, HEADER_BYTES, batch.records_count, batch.base_offset, 0, 0, log_append=False)
        kept, count = b"", 0
        for record in records_in(raw, "t", 0, is_input=True):
            if (record.offset - batch.base_offset) % 3 == 1 and record.offset < batch.base_offset + BATCH // 2:
                body = b"\0\0" + quickly(record.offset - batch.base_offset) + (record.body or b"") + b"\0"
                kept += quickly(len(body)) + body
                count += 1
        header = bytearray(raw.buffer[:HEADER_BYTES])
        struct.pack_into(">i", header, 8, HEADER_BYTES - DefaultRecordBase.AFTER_LEN_OFFSET + len(kept))
        struct.pack_into(">i", header, HEADER_BYTES - 4, count)
        whole = bytes(header) + kept
        crc = struct.pack(">I", calc_crc32c(whole[DefaultRecordBase.ATTRIBUTES_OFFSET :]))
        at = DefaultRecordBase.CRC_OFFSET
        found += whole[:at] + crc + whole[at + len(crc) :]
    return found


def test_records_that_compaction_took_are_passed_over(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last of a batch are gone: the position comes to the batch's end, and no record twice."""
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 3)
    changing(monkeypatch, compacted)
    expected = [number for number in range(3 * BATCH) if number % BATCH < BATCH // 2 and number % BATCH % 3 == 1]
    for start, records in agreed(pipeline, 0, 2, 48, 49, 77, 99, 100, 250).items():
        assert [record.offset for record in records] == [offset for offset in expected if offset >= start]


def harmed(fetched: bytes, offset: int) -> bytes:
    """Return what was fetched with another last byte in the batch that begins at an offset."""
    found, at = bytearray(fetched), 0
    while at + HEADER_BYTES < len(found):
        base, size = struct.unpack_from(">qi", found, at)
        at += DefaultRecordBase.AFTER_LEN_OFFSET + size
        if base == offset:
            found[at - 1] ^= 1
    return bytes(found)


@paths
@pytest.mark.parametrize("before", [0, 1], ids=["the first", "behind a good one"])
def test_a_broken_batch_is_an_error_until_it_is_sound(
    path: str, before: int, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checksum that fails is told at every poll and nothing is skipped; read well again, all goes on.

    Guard: ``broken_batches``.
    """
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 3)
    broken = True
    changing(monkeypatch, lambda fetched: harmed(fetched, before * BATCH) if broken else fetched)
    offsets: list[int] = []
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        one = Reader(pipeline, path, consumer)
        consumer.seek(one.place, 0)

        def told() -> bool:
            try:
                offsets.extend(record.offset for record in one.poll())
            except CorruptRecordError:
                return True
            return False

        for _ in range(3):
            eventually(told, WITHIN, "the error")
            assert one.position == before * BATCH
        broken = False
        assert offsets == list(range(before * BATCH))
        for polled in one.polls(one.position):
            offsets += [record.offset for record in polled]
    assert offsets == list(range(3 * BATCH))
    assert all(later == earlier + 1 for earlier, later in pairwise(offsets))


def test_without_the_guard_a_broken_batch_holds_the_next_poll_for_ever(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client keeps what it could not read, and looks at it again and again: only a new position ends that.

    What reads whole batches forgets it by itself.
    """
    pipeline = deploy(partitions=1)
    put_batches(pipeline, 1)
    changing(monkeypatch, lambda fetched: harmed(fetched, 0))
    monkeypatch.setattr(fetcher.Fetcher.PartitionRecords, "take", broken_batches._take_once)  # noqa: SLF001
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        one = Reader(pipeline, RECORDS, consumer)
        consumer.seek(one.place, 0)
        with pytest.raises(CorruptRecordError):
            eventually(one.poll, WITHIN, "the error")
        thread = threading.Thread(target=one.poll, daemon=True)
        thread.start()
        try:
            assert thread.ident is not None
            clock = time.pthread_getcpuclockid(thread.ident)
            eventually(lambda: time.clock_gettime(clock) > 1, WITHIN, "a second of work for nothing")
        finally:
            # What spins puts the old position back, unless the new one comes at the right moment.
            eventually(lambda: consumer.seek(one.place, BATCH) or not thread.is_alive(), WITHIN, "the poll to return")
