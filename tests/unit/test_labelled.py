"""Labels behind their transactions: none is written before brokers have acknowledged what it speaks of."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaError, KafkaTimeoutError

from generator import labelled as module
from generator.labelled import LONGEST_HELD_BACK_SECONDS, LabelledPublisher
from generator.scenarios.drafts import Labelled
from generator.transactions import Generated
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.publisher import Publisher, PublishingError
from tests.unit.fake_kafka import FakeFuture, FakeProducer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.headers import Header
    from pipeline.runtime.outlets import Keyed

PARTITIONS = 3


class HoldingOutlet:
    """Hands a partition's records over as one batch, as soon as none of it is under way; see BatchOutlet."""

    topic = "input"

    def __init__(self) -> None:
        self.producer = FakeProducer()
        self.of: dict[bytes, FakeFuture] = {}
        self.under_way: dict[int, FakeFuture] = {}
        self.of_partition: dict[int, list[FakeFuture]] = {number: [] for number in range(PARTITIONS)}
        self._open: dict[int, list[bytes]] = {}
        self._new: list[tuple[Any, int]] = []

    def take(self, records: Sequence[Keyed], timestamp_ms: int, headers: Sequence[Header] = ()) -> None:  # noqa: ARG002 (the outlet's own)
        """Hold records back."""
        for key, value in records:
            self._open.setdefault(key[0] % PARTITIONS, []).append(value)

    def push(self, *, everything: bool) -> bool:
        """Hand batches over."""
        for partition in list(self._open):
            if everything or partition not in self.under_way or self.under_way[partition].is_done:
                values = self._open.pop(partition)
                future = self.under_way[partition] = FakeFuture()
                self.producer.futures.append(future)
                self.of_partition[partition].append(future)
                self.of |= dict.fromkeys(values, future)
                self._new.append((future, len(values)))
        return bool(self._open)

    def handed_over(self) -> list[tuple[Any, int]]:
        """Return what is new."""
        new, self._new = self._new, []
        return new


class Rig:
    """Both publishers on producers that a test decides for. Transaction n is of account n; every one has a label."""

    def __init__(self, most: int = 1_000) -> None:
        self.outlet = HoldingOutlet()
        self.labels = FakeProducer()
        self.transactions = Publisher(self.outlet, most)
        self.publisher = LabelledPublisher(self.transactions, Publisher(RecordOutlet(self.labels, "labels"), most))
        self.sent = 0

    def send(self, count: int = 1, *, labels: bool = True) -> None:
        """Send the next so many transactions."""
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        self.publisher.send(
            [
                Labelled(
                    Generated(b"%c" % number, b"%d" % number), Generated(b"%d" % number, b"{}") if labels else None
                )
                for number in numbers
            ],
            1,
        )

    def decide(self, outcome: BaseException | None = None) -> None:
        """Decide all that is under way."""
        for future in self.outlet.producer.futures:
            if not future.is_done:
                future.resolve(outcome)

    @property
    def labelled(self) -> list[bytes | None]:
        """Return of which transactions there are labels, in order."""
        return [sent.key for sent in self.labels.sent]


def test_a_label_waits_for_its_transaction() -> None:
    """Before brokers have acknowledged it, there is none; then it goes with the next turn of the loop."""
    rig = Rig()
    rig.send()
    rig.publisher.push()
    assert rig.labelled == []
    rig.decide()
    rig.publisher.push()
    assert rig.labelled == [b"0"]


def test_a_label_waits_for_its_own_transaction_where_batches_are_held_back() -> None:
    """A later batch of another partition being acknowledged says nothing about one that was held back."""
    rig = Rig()
    rig.send()
    held_back = rig.outlet.under_way[0]
    rig.send(3)  # the last one is of the first one's partition, and held back behind it
    for partition in (1, 2):
        rig.outlet.under_way[partition].resolve()
    rig.publisher.push()
    assert rig.labelled == []
    held_back.resolve()
    rig.publisher.push()
    assert rig.labelled == [b"0"]
    rig.decide()
    rig.publisher.push()
    assert rig.labelled == [b"0", b"1", b"2", b"3"]


def test_labels_come_in_time_where_something_is_always_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then all is handed over, so that there is a moment at which everything before it is decided."""
    now = 1_000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    rig = Rig()
    rig.send(PARTITIONS, labels=False)
    rig.send(PARTITIONS)
    for turn in range(100):
        for future in rig.outlet.of_partition[turn % PARTITIONS]:
            future.resolve()
        rig.send(PARTITIONS, labels=False)
        rig.publisher.push()
        now += 0.1
        if rig.labelled:
            break
        assert rig.transactions.held_back or now >= 1_000 + LONGEST_HELD_BACK_SECONDS
    assert LONGEST_HELD_BACK_SECONDS < now - 1_000 < 2 * LONGEST_HELD_BACK_SECONDS


@pytest.mark.parametrize("later", [True, False])
def test_what_failed_has_no_label(*, later: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody knows whether it came; those that were sent well before it or after it keep theirs."""
    rig = Rig()
    rig.send(2)
    rig.decide()
    rig.publisher.push()
    rig.send(2)
    rig.decide(KafkaError("no"))
    if later:
        rig.publisher.push()
    rig.send(2)
    rig.decide()
    with caplog.at_level(logging.WARNING):
        rig.publisher.push()
        with pytest.raises(PublishingError, match="2 records failed and 0 are undecided, beside 4 delivered to input"):
            rig.publisher.finish(1.0)
    assert rig.labelled == [b"0", b"1", b"4", b"5"]


def test_what_nobody_decided_about_has_no_label(caplog: pytest.LogCaptureFixture) -> None:
    """An end without an answer leaves a fraud without its label, and says of how many."""
    rig = Rig()
    rig.send(2)
    rig.outlet.producer.raises["flush"] = [KafkaTimeoutError()]
    with pytest.raises(PublishingError, match="2 are undecided"):
        rig.publisher.finish(0.1)
    assert rig.labelled == []
    assert "2 labels were left out, of transactions that may not have been sent" in caplog.text
    assert rig.labels.closed_with


def test_finishing_writes_all_labels() -> None:
    """Transactions are waited for first, then the labels that were waiting for them; both producers are closed."""
    rig = Rig()
    rig.send(7)
    rig.publisher.finish(20.0)
    assert sorted(rig.labelled, key=str) == [b"%d" % number for number in range(7)]
    assert rig.outlet.producer.closed_with
    assert rig.labels.closed_with


def test_there_is_room_only_where_labels_have_some() -> None:
    """While nobody takes labels no more transactions are made than labels may wait."""
    rig = Rig(most=4)
    rig.send(2)
    assert rig.publisher.room == 2
    rig.decide()
    rig.publisher.push()
    rig.send(2)
    assert (rig.transactions.room, rig.publisher.room) == (2, 0)
    rig.decide()
    assert not rig.publisher.wait_for_room()
    assert (rig.transactions.room, rig.publisher.room, len(rig.labels.sent)) == (4, 0, 4)
    for future in rig.labels.futures:
        future.resolve()
    assert rig.publisher.wait_for_room()
    assert rig.publisher.room == 4


@given(
    st.lists(st.sampled_from(["send", "send without", "resolve", "fail", "push", "wait"]), max_size=60), st.randoms()
)
def test_there_is_never_a_label_of_what_is_not_there(steps: list[str], chance: Any) -> None:
    """Whatever comes in whatever order; and where nothing failed, in the end every label is there."""
    rig = Rig(most=10)
    failed = False
    for step in steps:
        undecided = [future for future in rig.outlet.producer.futures if not future.is_done]
        if step.startswith("send") and rig.publisher.room > 0:
            rig.send(chance.randint(1, rig.publisher.room), labels=step == "send")
        elif step == "push":
            rig.publisher.push()
        elif step in {"resolve", "fail"} and undecided:
            failed |= step == "fail"
            chance.choice(undecided).resolve(KafkaError() if step == "fail" else None)
        for label in rig.labels.futures:
            label.resolve()
        assert all(came(rig.outlet.of[label]) for label in rig.labelled if label is not None)
    if not failed:
        rig.publisher.finish(1.0)
        assert len(rig.labelled) == len(set(rig.labelled))
        assert rig.publisher.in_flight == 0


def came(future: FakeFuture) -> bool:
    """Tell whether brokers have acknowledged it."""
    return future.is_done and future.exception is None
