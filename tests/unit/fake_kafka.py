"""Stand-ins for the client's producer and consumer: in memory, as strict as kafka-python 3.0.12 where it is strict.

What they know of a cluster is only what a test tells them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaTimeoutError
from kafka.record import MemoryRecords
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition

from pipeline.runtime.batches.producing import ReadyRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.contracts.headers import Header
    from pipeline.runtime.batches.writing import BatchBuilder

GROUP = "group"


def batch_of(builder: BatchBuilder) -> bytes:
    """Return a batch as it goes to a broker, from nobody in particular."""
    ready = ReadyRecords(builder)
    ready.close()
    return bytes(ready.buffer())


@dataclass
class FakeFuture:
    """A record that was handed over: decided or not, delivered or refused."""

    is_done: bool = False
    exception: BaseException | None = None
    on_wait: Callable[[FakeFuture], None] | None = None
    value: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(offset=70))

    def resolve(self, exception: BaseException | None = None) -> None:
        """Decide it."""
        self.is_done, self.exception = True, exception

    def get(self, timeout: float | None = None) -> None:
        """Wait as the client does: raise what it failed with, or that time ran out."""
        assert timeout is not None
        if self.on_wait is not None:
            self.on_wait(self)
        if not self.is_done:
            raise KafkaTimeoutError
        if self.exception is not None:
            raise self.exception


@dataclass(frozen=True)
class Sent:
    """What a producer was given."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    partition: int | None
    timestamp_ms: int | None


class FakeProducer:
    """Takes records as kafka-python does, and notes every call in ``calls``.

    ``raises`` maps a call's name to errors that it raises, one a call; ``decide`` is what a flush makes of a future.
    """

    announces_offsets = False

    def __init__(self, raises: dict[str, list[BaseException]] | None = None) -> None:
        self.calls: list[str] = []
        self.sent: list[Sent] = []
        self.futures: list[FakeFuture] = []
        self.offsets: list[tuple[object, object]] = []
        self.closed_with: list[float] = []
        self.raises = raises or {}
        self.decide: Callable[[int, FakeFuture], None] = lambda _number, future: future.resolve()
        self._sender = self
        self._closed = False
        self.disturbed = False
        self.producer_ids = {4}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.raises.get(name):
            raise self.raises[name].pop(0)

    def begin_transaction(self) -> None:
        """Open a transaction."""
        self._call("begin")

    def send(  # noqa: PLR0913, PLR0917 (the client's own)
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: list[Header] | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> FakeFuture:
        """Take a record, or refuse it in the words of the client."""
        self._call("send")
        if value is None and key is None:
            raise ValueError("Need at least one: key or value")
        for name, content in headers or []:
            if not (isinstance(name, str) and isinstance(content, bytes)):
                raise TypeError("All headers items must be (str, bytes) tuples")
        return self._note([Sent(topic, key, value, headers or [], partition, timestamp_ms)])

    def take(self, sent: list[Sent]) -> FakeFuture:
        """Take a batch that was built already, past what ``send`` refuses."""
        self._call("send")
        return self._note(sent)

    def hand_over(self, place: TopicPartition, builder: BatchBuilder) -> FakeFuture:
        """Take a whole batch: its records are those that the client's own reader finds."""
        batches = MemoryRecords(batch_of(builder))
        batch = batches.next_batch()
        assert batch.validate_crc()
        assert not batches.has_next()
        found = list(batch)
        assert [read.offset for read in found] == list(range(len(found)))
        return self.take(
            [
                Sent(place.topic, read.key, read.value, list(read.headers), place.partition, read.timestamp)
                for read in found
            ]
        )

    def send_now(self) -> None:
        """Send what was handed over, which it is already."""

    def _note(self, sent: list[Sent]) -> FakeFuture:
        self.sent += sent
        self.futures.append(FakeFuture())
        return self.futures[-1]

    def flush(self, timeout: float | None = None) -> None:
        """Decide what is in flight."""
        assert timeout is not None
        self._call("flush")
        for number, future in enumerate(self.futures):
            if not future.is_done:
                self.decide(number, future)

    def announce_offsets(self, offsets: object, membership: object) -> None:
        """Note that somebody asks for them."""
        assert offsets
        assert membership
        self._call("announce")

    def send_offsets_to_transaction(self, offsets: object, membership: object) -> None:
        """Note the offsets."""
        self._call("offsets")
        self.offsets.append((offsets, membership))

    def commit_transaction(self) -> None:
        """Commit."""
        self._call("commit")

    def abort_transaction(self) -> None:
        """Abort."""
        self._call("abort")

    def close(self, timeout: float | None = None) -> None:
        """Close, or refuse to where a test says so."""
        assert timeout is not None
        self.closed_with.append(timeout)
        self._call("close")
        self._closed = True

    def wakeup(self) -> None:
        """Wake the thread that sends: nothing that a test waits for."""

    def force_close(self) -> None:
        """Stop the thread that sends."""
        self._call("force_close")

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread that sends."""
        assert timeout is not None
        self._call("join")


@dataclass(frozen=True)
class Raw:
    """A record as the client hands it out."""

    offset: int
    value: bytes | None = b"{}"
    key: bytes | None = b"key"
    timestamp: int = 1_795_363_200_123
    headers: list[Header] = field(default_factory=list)
    topic: str = "input"
    partition: int = 0


def member(generation: int, member_id: str = "m", state: str = MemberState.STABLE) -> ConsumerGroupMetadata:
    """Return a membership."""
    return ConsumerGroupMetadata(GROUP, generation, member_id, None, state)


@dataclass
class FakeConsumer:
    """A member of a group. ``polls`` are what it returns or raises, one a poll; then nothing comes any more.

    ``membership`` is told after every poll that does not bring another. ``sought`` has every seek in order.
    ``offsets`` are what the group has committed, by whichever member, and ``notes`` the metadata with them.
    """

    polls: list[tuple[dict[Any, list[Raw]] | BaseException, Any]]
    offsets: dict[Any, int | None] = field(default_factory=dict)
    beginnings: dict[Any, int] = field(default_factory=dict)
    ends: dict[Any, int] = field(default_factory=dict)
    membership: Any = field(default_factory=lambda: member(1))
    assigned: set[Any] = field(default_factory=lambda: {TopicPartition("input", 0)})
    sought: list[tuple[Any, int]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    raises: dict[str, list[BaseException]] = field(default_factory=dict)
    held: set[Any] = field(default_factory=set)
    notes: dict[Any, str] = field(default_factory=dict)
    positions: dict[Any, int] = field(default_factory=dict)

    def highwater(self, place: Any) -> int | None:
        """Return the end that a fetch has brought along."""
        return self.ends.get(place)

    def position(self, place: Any, timeout_ms: int) -> int | None:
        """Return how far was read."""
        assert timeout_ms > 0
        self._call("position")
        return self.positions.get(place)

    def _call(self, name: str) -> None:
        if self.raises.get(name):
            raise self.raises[name].pop(0)

    def pause(self, *places: Any) -> None:
        """Fetch nothing of these any more."""
        self.held |= set(places)

    def paused(self) -> set[Any]:
        """Return what is paused."""
        return set(self.held)

    def resume(self, *places: Any) -> None:
        """Fetch these again."""
        self.held -= set(places)

    def poll(self, timeout_ms: int, max_records: int = 500) -> dict[Any, list[Raw]]:
        """Return the next poll, under the membership that came with it."""
        assert timeout_ms >= 0
        assert max_records > 0
        if not self.polls:
            return {}
        polled, self.membership = self.polls.pop(0)
        if isinstance(polled, BaseException):
            raise polled
        return polled

    def group_metadata(self) -> Any:
        """Return the membership as it is now."""
        return self.membership

    def assignment(self) -> set[Any]:
        """Return the partitions that are ours."""
        return set(self.assigned)

    def beginning_offsets(self, places: Iterable[Any], timeout_ms: int) -> dict[Any, int]:
        """Return where the partitions begin."""
        assert timeout_ms > 0
        self._call("beginning_offsets")
        return {place: self.beginnings.get(place, 0) for place in places}

    def end_offsets(self, places: Iterable[Any], timeout_ms: int) -> dict[Any, int]:
        """Return where the partitions end."""
        assert timeout_ms > 0
        self._call("end_offsets")
        return {place: self.ends.get(place, 1_000) for place in places}

    def committed(self, place: Any, *, metadata: bool = False, timeout_ms: int) -> Any:
        """Return the offset that the group has committed, by whichever member."""
        assert timeout_ms > 0
        self._call("committed")
        offset = self.offsets.get(place)
        return OffsetAndMetadata(offset, self.notes.get(place, "")) if metadata and offset is not None else offset

    def seek(self, place: Any, offset: int) -> None:
        """Note where to read on."""
        self._call("seek")
        self.sought.append((place, offset))

    def close(self, **how: Any) -> None:
        """Leave the group."""
        self.closed.append(how)
        self._call("close")
