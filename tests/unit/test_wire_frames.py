"""Frames against the client's own parser: the same bytes, and the same answers, however they are cut."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CorrelationIdError, IncompatibleBrokerVersion, InvalidReceiveError, KafkaProtocolError
from kafka.protocol.consumer import FetchRequest, FetchResponse
from kafka.protocol.metadata import ApiVersionsResponse
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.producer import EndTxnResponse, ProduceRequest, ProduceResponse, TxnOffsetCommitRequest
from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.runtime.wire import messages
from pipeline.runtime.wire.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "fraud-detector-0"
MOST = 1 << 20
WHO = messages.Identity("detector-0", 7, 3)
MEMBER = SimpleNamespace(group_id="detector", generation_id=4, member_id="one", group_instance_id=None)
PLACES = [TopicPartition(name, partition) for name in ("a", "b") for partition in range(3)]
LATEST = {0: 12, 1: 12, 18: 4, 22: 4, 26: 5, 28: 5}

_Topic = ProduceResponse.TopicProduceResponse
_Partition = _Topic.PartitionProduceResponse


def requests() -> st.SearchStrategy[Any]:
    """Make requests of all kinds that a line carries."""
    offsets = st.dictionaries(
        st.sampled_from(PLACES),
        st.builds(OffsetAndMetadata, st.integers(0, 1 << 60), st.text(max_size=40), st.just(-1)),
    )
    batches = st.dictionaries(st.sampled_from(PLACES), st.binary(max_size=200).map(bytearray))
    return st.one_of(
        st.just(messages.greeting),
        st.builds(lambda ms: lambda: messages.initialising("id", ms), st.integers(0, 1 << 30)),
        st.builds(lambda some: lambda: messages.producing("id", 1_000, some.items()), batches),
        st.builds(lambda some: lambda: messages.taking_offsets(WHO, some, MEMBER), offsets),
        st.builds(lambda committed: lambda: messages.ending(WHO, committed=committed), st.booleans()),
    )


def frames(most: int = MOST) -> Frames:
    """Return new ones, of a broker that knows everything in the versions that we know."""
    return Frames(NAME, SimpleNamespace(api_version=lambda request: LATEST[request.API_KEY]), most)


def framed(answer: Any, number: int, version: int) -> bytes:
    """Return an answer as a broker writes it."""
    answer.API_VERSION = version
    answer.with_header(correlation_id=number)
    return bytes(answer.encode(framed=True, header=True))


def fed(ours: Frames, pieces: Sequence[bytes]) -> list[Any]:
    """Give it what comes, as a line does: where the rest of an answer is known to belong, it goes there."""
    found: list[Any] = []
    for piece in pieces:
        stream = io.BytesIO(piece)
        while rest := len(piece) - stream.tell():
            room = ours.room()
            if room is None:
                found += ours.took(stream.read())
            else:
                room[: min(rest, len(room))] = stream.read(len(room))
                answer = ours.filled(min(rest, len(room)))
                found += [] if answer is None else [answer]
    return found


@given(st.lists(requests(), min_size=1, max_size=6))
def test_requests_are_what_the_client_writes(made: list[Any]) -> None:
    """Byte for byte, with the numbers of a connection on which nothing was said before."""
    ours, theirs = frames(), KafkaProtocol(client_id=NAME)
    for make in made:
        request = make()
        request.API_VERSION = LATEST[request.API_KEY]
        theirs.send_request(request)
        assert bytes(ours.written(make())) == bytes(theirs.send_bytes())


@given(st.dictionaries(st.sampled_from(PLACES), st.binary(max_size=200).map(bytearray), min_size=1))
def test_batches_stand_where_a_broker_looks_for_them(batches: dict[TopicPartition, bytearray]) -> None:
    """In order: a message's parts are told by their places alone."""
    read = ProduceRequest.decode(messages.producing("id", 1_000, batches.items()).encode(version=12), version=12)
    found = {
        TopicPartition(topic.name, one.index): bytes(one.records)
        for topic in read.topic_data
        for one in topic.partition_data
    }
    assert found == batches
    assert (read.transactional_id, read.acks, read.timeout_ms) == ("id", -1, 1_000)


@given(
    st.dictionaries(
        st.sampled_from(PLACES),
        st.builds(OffsetAndMetadata, st.integers(0, 1 << 60), st.text(max_size=40), st.integers(-1, 99)),
        min_size=1,
    )
)
def test_offsets_stand_where_a_broker_looks_for_them(offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
    """With their epochs and metadata."""
    read = TxnOffsetCommitRequest.decode(messages.taking_offsets(WHO, offsets, MEMBER).encode(version=5), version=5)
    found = {
        TopicPartition(topic.name, one.partition_index): OffsetAndMetadata(
            one.committed_offset, one.committed_metadata, one.committed_leader_epoch
        )
        for topic in read.topics
        for one in topic.partitions
    }
    assert found == offsets
    assert (read.transactional_id, read.producer_id, read.producer_epoch) == WHO
    assert (read.group_id, read.generation_id, read.member_id, read.group_instance_id) == ("detector", 4, "one", None)


@given(st.data(), st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_answers_are_what_the_client_reads_however_they_are_cut(data: st.DataObject, kinds: list[int]) -> None:
    """Of each kind, the one of the greeting too, whose head is of the old form whatever its version."""
    ours, theirs, stream = frames(), KafkaProtocol(client_id=NAME), b""
    for number, kind in enumerate(kinds, 1):
        request, answer = exchange(kind, number)
        request.API_VERSION = LATEST[request.API_KEY]
        ours.written(request)
        theirs.send_request(request)
        stream += framed(answer, number, LATEST[request.API_KEY])
    expected = [answer for _, answer in theirs.receive_bytes(stream)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found = fed(ours, [stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])])
    assert [one.to_dict() for one in found] == [one.to_dict() for one in expected]
    assert len(found) == len(kinds)


def exchange(kind: int, number: int) -> tuple[Any, Any]:
    """Return a request and an answer to it."""
    if kind == 0:
        said = EndTxnResponse(error_code=0, producer_id=number, producer_epoch=1, throttle_time_ms=number)
        return messages.ending(WHO, committed=True), said
    if kind == 1:
        written = [_Partition(index=place, error_code=0, base_offset=number) for place in range(number)]
        return messages.producing("id", 1, []), ProduceResponse(
            responses=[_Topic(name="a", partition_responses=written)]
        )
    if kind == 2:
        key = ApiVersionsResponse.ApiVersion(api_key=number, min_version=0, max_version=9)
        return messages.greeting(), ApiVersionsResponse(error_code=0, api_keys=[key], throttle_time_ms=0)
    records = bytes(range(200)) * number * 40
    part = FetchResponse.FetchableTopicResponse.PartitionData(partition_index=0, records=records)
    topic = FetchResponse.FetchableTopicResponse(topic="a", partitions=[part])
    return fetching(), FetchResponse(responses=[topic])


def fetching() -> Any:
    """Return a request for records."""
    return FetchRequest(max_wait_ms=1, min_bytes=1, topics=[], max_version=12)


def test_tags_in_the_head_of_an_answer_are_passed_over() -> None:
    """A later broker may write some: what we do not know is not ours to refuse."""
    ours = frames()
    ours.written(messages.ending(WHO, committed=True))
    body = framed(EndTxnResponse(error_code=0, producer_id=5, producer_epoch=6), 1, 5)[9:]
    tagged = b"\x01\x07\x02ab"  # one: number 7, of two bytes
    frame = struct.pack(">i", 1) + tagged + body
    (answer,) = ours.took(struct.pack(">i", len(frame)) + frame)
    assert (answer.producer_id, answer.producer_epoch) == (5, 6)


@given(st.binary(max_size=60))
def test_whatever_comes_is_an_answer_or_an_error(junk: bytes) -> None:
    """Never a hang, and nothing that the line does not know to end on."""
    ours = frames()
    ours.written(messages.ending(WHO, committed=True))
    frame = struct.pack(">i", 1) + b"\0" + junk
    try:
        (answer,) = ours.took(struct.pack(">i", len(frame)) + frame)
    except KafkaProtocolError:
        return
    assert isinstance(answer, EndTxnResponse)


def test_what_nobody_asked_for_or_nobody_would_hold_is_an_error() -> None:
    """An answer too many, one to another request, and lengths that are none."""
    answer = framed(EndTxnResponse(error_code=0, producer_id=5, producer_epoch=6), 2, 5)
    with pytest.raises(CorrelationIdError, match="an answer to no request"):
        list(frames().took(answer))
    ours = frames()
    ours.written(messages.ending(WHO, committed=True))
    with pytest.raises(CorrelationIdError, match="not to request 1"):
        list(ours.took(answer))
    for size in (-1, 101):
        with pytest.raises(InvalidReceiveError, match=f"a frame of {size} bytes, and not up to 100"):
            list(frames(most=100).took(struct.pack(">i", size)))


def test_a_version_is_asked_for_once_for_each_kind_of_request() -> None:
    """What a broker can do does not change while it is connected; one that cannot do it is refused each time."""
    asked: list[Any] = []

    def agreed(request: Any) -> int:
        asked.append(request)
        if len(asked) == 1:
            raise IncompatibleBrokerVersion("too old")
        return 5

    ours = Frames(NAME, SimpleNamespace(api_version=agreed), MOST)
    with pytest.raises(IncompatibleBrokerVersion):
        ours.written(messages.ending(WHO, committed=True))
    for _ in range(3):
        ours.written(messages.ending(WHO, committed=True))
    assert len(asked) == 2
