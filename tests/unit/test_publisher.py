"""Sending without transactions: never more than fits, and nothing that failed goes unnoticed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from pipeline.runtime import publisher as module
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.publisher import OVERDUE_SECONDS, Publisher, PublishingError
from tests.unit.fake_kafka import FakeFuture, FakeProducer


def publisher_of(producer: FakeProducer, most: int = 3) -> Publisher:
    """Return a publisher with little room."""
    return Publisher(RecordOutlet(producer, "input"), most)


def fill(publisher: Publisher) -> None:
    """Send until there is no room."""
    while publisher.room:
        publisher.send([(b"k", b"v")], 1)


def test_a_record_is_handed_over_as_it_is() -> None:
    """Key, value and time reach the producer, which chooses the partition by the key."""
    producer = FakeProducer()
    publisher_of(producer).send([(b"account", b"{}")], 1_795_363_200_123)
    (sent,) = producer.sent
    assert (sent.topic, sent.key, sent.value, sent.timestamp_ms) == ("input", b"account", b"{}", 1_795_363_200_123)
    assert sent.partition is None


def test_room_shrinks_with_what_is_in_flight_and_comes_back() -> None:
    """What brokers have acknowledged makes room, in the order in which it was sent."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    fill(publisher)
    assert (publisher.in_flight, publisher.room) == (3, 0)
    producer.futures[1].resolve()
    assert publisher.room == 0
    producer.futures[0].resolve()
    assert publisher.room == 2
    assert (publisher.delivered, publisher.failed) == (2, 0)


def test_waiting_ends_as_soon_as_the_oldest_is_decided() -> None:
    """Whether it was delivered or refused, there is room again."""
    for outcome in (None, MessageSizeTooLargeError()):
        producer = FakeProducer()
        publisher = publisher_of(producer)
        fill(publisher)
        producer.futures[0].on_wait = lambda future, outcome=outcome: future.resolve(outcome)
        assert publisher.wait_for_room()
        assert (publisher.delivered, publisher.failed) == ((1, 0) if outcome is None else (0, 1))


def test_waiting_ends_without_room_where_nothing_is_decided() -> None:
    """The caller gets to look after its other duties, and asks again."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    fill(publisher)
    assert not publisher.wait_for_room()
    assert publisher.in_flight == 3


def test_a_record_that_nobody_decides_about_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the client has lost track of would take up the room for ever: long after its time it is an error."""
    producer, now = FakeProducer(), 1_000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    publisher = publisher_of(producer)
    fill(publisher)
    now += OVERDUE_SECONDS
    assert not publisher.wait_for_room()
    now += 1
    with pytest.raises(PublishingError, match="nobody decides about 1 records to input"):
        publisher.wait_for_room()


def test_nobody_waits_while_there_is_room() -> None:
    """With room the answer is at once, and no future is asked."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    publisher.send([(b"k", b"v")], 1)

    def asked(_: FakeFuture) -> None:
        pytest.fail("a future was waited for")

    producer.futures[0].on_wait = asked
    assert publisher.wait_for_room()


@given(st.integers(1, 5), st.lists(st.sampled_from(["send", "resolve", "fail", "wait"]), max_size=60))
def test_no_more_is_in_flight_than_allowed_and_all_is_counted(most: int, steps: list[str]) -> None:
    """Whatever comes in whatever order: in flight, delivered and failed add up, and the bound holds."""
    producer = FakeProducer()
    publisher = publisher_of(producer, most)
    sent = 0
    for step in steps:
        undecided = [future for future in producer.futures if not future.is_done]
        if step == "send" and publisher.wait_for_room():
            publisher.send([(b"k", b"v")], 1)
            sent += 1
        elif step in {"resolve", "fail"} and undecided:
            undecided[len(undecided) // 2].resolve(KafkaError() if step == "fail" else None)
        elif step == "wait":
            publisher.wait_for_room()
        assert publisher.in_flight <= most
        assert publisher.in_flight + publisher.delivered + publisher.failed == sent == len(producer.sent)


def test_it_tells_how_far_outcomes_are_known() -> None:
    """What is decided has no gap, and how far the last failure reaches is remembered when later ones succeed."""
    producer = FakeProducer()
    publisher = publisher_of(producer, most=4)
    fill(publisher)
    assert (publisher.handed_over, publisher.held_back, publisher.decided) == (4, 0, 0)
    producer.futures[1].resolve(MessageSizeTooLargeError())
    producer.futures[2].resolve()
    assert publisher.decided == 0
    producer.futures[0].resolve()
    assert (publisher.decided, publisher.failed_until) == (3, 2)


def test_what_the_client_refused_counts_as_held_back_for_ever() -> None:
    """It was taken and never handed over: nobody takes it for decided."""
    producer = FakeProducer({"send": [KafkaTimeoutError("no metadata")]})
    publisher = publisher_of(producer)
    with pytest.raises(PublishingError):
        publisher.send([(b"k", b"v"), (b"k", b"w")], 1)
    assert (publisher.handed_over, publisher.held_back, publisher.decided) == (0, 2, 0)


def test_finishing_delivers_what_is_in_flight() -> None:
    """The last records are waited for, then the producer is closed."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    fill(publisher)
    publisher.finish(20.0)
    assert publisher.delivered == 3
    assert producer.calls[-2:] == ["flush", "close"]


def test_finishing_tells_of_what_failed() -> None:
    """A record that a broker refused ends the generator with an error, however long ago it was."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    publisher.send([(b"k", b"v")], 1)
    producer.futures[0].resolve(MessageSizeTooLargeError())
    publisher.send([(b"k", b"v")], 1)
    with pytest.raises(PublishingError, match="1 records failed and 0 are undecided, beside 1 delivered") as ended:
        publisher.finish(20.0)
    assert ended.value.exit_code == 1
    assert producer.closed_with


def test_finishing_tells_of_what_is_undecided() -> None:
    """A broker that stays away does not let a run look as if all had been sent."""
    producer = FakeProducer({"flush": [KafkaTimeoutError()]})
    publisher = publisher_of(producer)
    fill(publisher)
    with pytest.raises(PublishingError, match="0 records failed and 3 are undecided"):
        publisher.finish(0.1)
    assert producer.closed_with


def test_a_producer_that_would_not_close_is_forced_to() -> None:
    """The client raises where it cannot flush, and would leave its thread running."""
    producer = FakeProducer({"close": [KafkaTimeoutError()]})
    publisher_of(producer).finish(0.1)
    assert producer.calls[-3:] == ["close", "force_close", "join"]


def test_a_topic_that_no_broker_tells_of_is_an_error_with_its_name() -> None:
    """The client gives up on a topic that nobody knows: that ends the run, with a sentence."""
    producer = FakeProducer({"send": [KafkaTimeoutError("no metadata")]})
    with pytest.raises(PublishingError, match="cannot send to input"):
        publisher_of(producer).send([(b"k", b"v")], 1)


def test_what_was_not_taken_any_more_is_undecided() -> None:
    """Where the client refuses a record, those before it are on their way, and none is left out of the count."""
    producer = FakeProducer()
    publisher = publisher_of(producer)
    publisher.send([(b"k", b"v")], 1)
    producer.raises["send"] = [KafkaTimeoutError("no metadata")]
    with pytest.raises(PublishingError):
        publisher.send([(b"k", b"v"), (b"k", b"w")], 1)
    with pytest.raises(PublishingError, match="0 records failed and 2 are undecided, beside 1 delivered"):
        publisher.finish(1.0)
