"""Our own writer of transactions, against a cluster that does what is asked, refuses it, or goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    UnsupportedVersionError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.clients.deadlines import REQUEST_MS
from pipeline.runtime.wire import coordinators, deliveries, pauses, writer
from pipeline.runtime.wire.writer import TransactionWriter
from tests.unit.fake_wire import BREAK, BREAK_AFTER, MEMBERSHIP, FakeCluster, FakeLine, FakeLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.runtime.wire.delivery import Delivery

SOURCE = TopicPartition("in", 0)
NOT_LEADER, TOO_LARGE, NOT_COORDINATOR, ILLEGAL_GENERATION, FENCED = 6, 10, 16, 22, 90
NOT_ENOUGH_REPLICAS, TIMED_OUT, LOADING, CONCURRENT = 19, 7, 14, 51
PASSING = (NOT_LEADER, NOT_COORDINATOR, NOT_ENOUGH_REPLICAS, TIMED_OUT, LOADING, CONCURRENT)
FINAL = (TOO_LARGE, ILLEGAL_GENERATION, FENCED)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses pass at once: time goes on by them alone."""
    _still(monkeypatch)


class Clock:
    """Time that goes on by sleeping alone."""

    now = 1_000.0

    def monotonic(self) -> float:
        """Return what time it is."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time go on."""
        self.now += seconds


def _still(patch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (pauses, deliveries, coordinators, writer):
        patch.setattr(module, "time", clock)
    return clock


def made(patch: pytest.MonkeyPatch, *wrong: int, level: int = 2) -> tuple[TransactionWriter, FakeCluster, FakeLines]:
    """Return a writer that is initialised, its cluster, with which these go wrong from then on, and its lines."""
    cluster = FakeCluster(iter([0, *wrong]))
    lines = FakeLines(cluster, level)
    patch.setattr(writer, "Lines", lambda *_: lines)
    settings: Any = None
    return TransactionWriter(settings, "id"), cluster, lines


def batch(*values: bytes) -> BatchBuilder:
    """Return a batch of records with these values."""
    builder = BatchBuilder(10**6)
    for value in values:
        builder.add(1_795_363_200_123, packed(None) + packed(value) + packed_headers([]))
    return builder


def place(partition: int, topic: str = "out") -> TopicPartition:
    """Return a place to write to."""
    return TopicPartition(topic, partition)


def transaction(
    own: TransactionWriter, handed: Iterable[tuple[TopicPartition, list[bytes]]], end: int, *, announced: bool = False
) -> None:
    """Write a transaction, its offsets last, or ``announced``, as the loop does; look at every delivery before."""
    offsets = {SOURCE: OffsetAndMetadata(end, "note", -1)}
    own.begin_transaction()
    if announced:
        own.announce_offsets(offsets, MEMBERSHIP)
    decided: list[Delivery] = []
    for where, values in handed:
        decided.append(own.hand_over(where, batch(*values)))
        own.send_now()
    own.flush(4.0)
    for one in decided:
        assert one.is_done
        if one.exception is not None:
            raise one.exception
    own.send_offsets_to_transaction(offsets, MEMBERSHIP)
    own.commit_transaction()


def test_offsets_are_asked_for_before_and_taken_by_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for them while records are handled; they are asked for once, and before the first record."""
    own, cluster, _ = made(monkeypatch)
    transaction(own, [(place(0), [b"a"]), (place(0), [b"b"])], 3, announced=True)
    transaction(own, [], 4, announced=True)
    first = ["TxnOffsetCommit", "Produce", "Produce", "EndTxn"]
    assert cluster.asked == ["InitProducerId", *first, "TxnOffsetCommit", "EndTxn"]
    assert (cluster.logs, cluster.offsets) == ({place(0): [b"a", b"b"]}, {SOURCE: 4})


@pytest.mark.parametrize("code", PASSING)
def test_offsets_that_were_announced_are_asked_for_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they were not taken but may be, before anything is written."""
    own, cluster, lines = made(monkeypatch, code, code)
    transaction(own, [(place(0), [b"a"])], 3, announced=True)
    assert cluster.asked == ["InitProducerId", *["TxnOffsetCommit"] * 3, "Produce", "EndTxn"]
    assert lines.found == ["GROUP"] * 2 * (code == NOT_COORDINATOR)


def test_nothing_is_written_once_offsets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that was fenced meanwhile writes no record."""
    own, cluster, _ = made(monkeypatch, ILLEGAL_GENERATION)
    with pytest.raises(IllegalGenerationError):
        transaction(own, [(place(0), [b"a"])], 3, announced=True)
    assert cluster.asked == ["InitProducerId", "TxnOffsetCommit"]


def test_nothing_is_asked_where_a_connection_broke_behind_the_last_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes back may have left it open somewhere: what came behind it there would end it, either way."""
    own, cluster, lines = made(monkeypatch)
    transaction(own, [(place(0), [b"a"])], 3, announced=True)
    lines.to_leader(place(0)).broken = True
    with pytest.raises(KafkaConnectionError, match="before the transaction"):
        transaction(own, [(place(0), [b"b"])], 4, announced=True)
    assert cluster.asked[-1] == "EndTxn"


def test_nobody_is_asked_again_once_a_connection_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a coordinator only wanted a moment: meanwhile another one may have come back."""
    own, cluster, lines = made(monkeypatch, CONCURRENT)
    monkeypatch.setattr(lines, "well", iter([True, False]).__next__)
    with pytest.raises(KafkaConnectionError, match="taking offsets"):
        transaction(own, [(place(0), [b"a"])], 3, announced=True)
    assert cluster.asked == ["InitProducerId", "TxnOffsetCommit"]


def test_an_abort_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was announced and never waited for is not taken for the answer to what comes next."""
    own, cluster, _ = made(monkeypatch)
    own.begin_transaction()
    own.announce_offsets({SOURCE: OffsetAndMetadata(9, "", -1)}, MEMBERSHIP)
    own.abort_transaction()
    transaction(own, [(place(0), [b"a"])], 3, announced=True)
    assert (cluster.logs, cluster.offsets) == ({place(0): [b"a"]}, {SOURCE: 3})


def test_a_transaction_is_records_then_offsets_then_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two leaders take a request each, the coordinators one each, and nothing else is asked."""
    own, cluster, _ = made(monkeypatch)
    own.begin_transaction()
    told = [own.hand_over(place(number), batch(b"%d" % number)) for number in range(4)]
    own.flush(4.0)
    own.send_offsets_to_transaction({SOURCE: OffsetAndMetadata(9, "", -1)}, MEMBERSHIP)
    own.commit_transaction()
    assert cluster.asked == ["InitProducerId", "Produce", "Produce", "TxnOffsetCommit", "EndTxn"]
    assert cluster.logs == {place(number): [b"%d" % number] for number in range(4)}
    assert cluster.offsets == {SOURCE: 9}
    assert [one.value for one in told] == [(0,)] * 4


def test_the_next_transaction_has_another_epoch_and_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the end of the one before has told it; a producer id that is used up is followed by another."""
    own, cluster, _ = made(monkeypatch)
    transaction(own, [(place(0), [b"a", b"b"]), (place(0), [b"c"])], 3)
    assert own.producer_ids == {7}
    cluster.producer_id = 8  # the coordinator answers so at the next end, and expects it from then on
    own._who = own._who._replace(producer_id=8)  # noqa: SLF001 (as if that had been the last one)
    transaction(own, [(place(0), [b"d"])], 4)
    assert cluster.logs == {place(0): [b"a", b"b", b"c", b"d"]}
    assert own.producer_ids == {8}


def test_an_old_cluster_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where transactions are of the first protocol, nothing is initialised, and the lines are closed."""
    with pytest.raises(UnsupportedVersionError, match=r"transaction\.version of the cluster is 1, not 2"):
        made(monkeypatch, level=1)


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_is_asked_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever request meets it, once or several times; a batch goes again as it is."""
    for request in range(3):
        own, cluster, _ = made(monkeypatch, *[0] * request, code, code)
        transaction(own, [(place(0), [b"a"])], 1)
        assert cluster.logs == {place(0): [b"a"]}
        assert len(cluster.asked) == 6


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (TOO_LARGE, MessageSizeTooLargeError),
        (ILLEGAL_GENERATION, IllegalGenerationError),
        (FENCED, ProducerFencedError),
    ],
)
def test_what_does_not_pass_ends_the_transaction(
    code: int, error: type[KafkaError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is committed, whichever request meets it, and it is told as the broker did."""
    for request in range(3):
        own, cluster, _ = made(monkeypatch, *[0] * request, code)
        with pytest.raises(error):
            transaction(own, [(place(0), [b"a"])], 1)
        assert (cluster.logs, cluster.offsets) == ({}, {})


def test_what_stays_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas that stay away, or a coordinator that is not to be found: a time-out, with what was said last."""
    for request, told in ((0, "NotEnoughReplicas"), (1, "taking offsets"), (2, "committing")):
        own, cluster, _ = made(monkeypatch, *[0] * request, *[NOT_ENOUGH_REPLICAS] * 5_000)
        with pytest.raises(KafkaTimeoutError, match=told):
            transaction(own, [(place(0), [b"a"])], 1)
        assert (cluster.logs, cluster.offsets) == ({}, {})


def test_what_is_asked_last_has_as_long_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that was cut short by the deadline would break a good connection, and hide what was said before."""
    given: list[float] = []
    clock, receive = _still(monkeypatch), FakeLine.receive

    def received(line: FakeLine, deadline: float) -> Any:
        given.append(deadline - clock.now)
        return receive(line, deadline)

    monkeypatch.setattr(FakeLine, "receive", received)
    for request in range(3):
        own, _, _ = made(monkeypatch, *[0] * request, *[NOT_ENOUGH_REPLICAS] * 5_000)
        with pytest.raises(KafkaTimeoutError, match="NotEnoughReplicas"):
            transaction(own, [(place(0), [b"a"])], 1)
    assert min(given) == pytest.approx(REQUEST_MS / 1000)


def test_all_answers_of_a_flush_are_there_by_one_moment_or_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many leaders are waited for, one after the other, and however late each of them answers."""
    clock, receive = _still(monkeypatch), FakeLine.receive
    given: list[float] = []

    def slowly(line: FakeLine, deadline: float) -> Any:
        given.append(deadline)
        clock.sleep(3)
        return receive(line, deadline)

    own, _, _ = made(monkeypatch)
    monkeypatch.setattr(FakeLine, "receive", slowly)
    own.begin_transaction()
    for number, topic in ((0, "out"), (1, "out"), (0, "other"), (1, "other")):
        own.hand_over(place(number, topic), batch(b"v"))
        own.hand_over(place(number, topic), batch(b"w"))  # in another request, for which the first is waited for
    begun = clock.now
    own.flush(4.0)
    assert len(given) == 6
    assert max(given) == pytest.approx(begun + 4.0 + REQUEST_MS / 1000)


def test_leaders_and_coordinators_that_moved_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they are asked again."""
    own, _, lines = made(monkeypatch, NOT_LEADER, 0, NOT_COORDINATOR, 0, NOT_COORDINATOR)
    transaction(own, [(place(0), [b"a"])], 1)
    assert lines.found == ["leaders", "GROUP", "TRANSACTION"]


def test_what_is_not_written_is_never_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where nobody looks at the deliveries: the writer does."""
    own, cluster, _ = made(monkeypatch, TOO_LARGE)
    own.begin_transaction()
    own.hand_over(place(0), batch(b"a"))
    with pytest.raises(IllegalStateError, match="not all"):
        own.commit_transaction()
    own.flush(4.0)
    with pytest.raises(IllegalStateError, match="not all"):
        own.commit_transaction()
    assert cluster.logs == {}
    own.abort_transaction()
    transaction(own, [(place(0), [b"b"])], 1)
    assert cluster.logs == {place(0): [b"b"]}


def test_a_connection_that_breaks_fails_all_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what another leader may have taken, since nobody waits for it any more; and the writer is disturbed."""
    own, _, _ = made(monkeypatch, BREAK)
    own.begin_transaction()
    told = [own.hand_over(place(number), batch(b"v")) for number in range(2)]
    with pytest.raises(KafkaConnectionError):
        own.flush(4.0)
    assert all(isinstance(one.exception, KafkaConnectionError) for one in told)
    assert own.disturbed


def test_no_transaction_begins_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that failed is open, too, until it is aborted or the writer is replaced."""
    own, _, _ = made(monkeypatch)
    own.begin_transaction()
    with pytest.raises(IllegalStateError, match="open"):
        own.begin_transaction()


HANDED = st.lists(
    st.tuples(st.sampled_from([place(0), place(1), place(2), place(0, "other")]), st.integers(1, 3)), max_size=6
)
WRONG = st.lists(
    st.one_of(st.just(0), st.sampled_from(PASSING), st.sampled_from(FINAL), st.sampled_from([BREAK, BREAK_AFTER])),
    max_size=12,
)


def numbered(
    handed: list[tuple[TopicPartition, int]], count: Iterator[int]
) -> list[tuple[TopicPartition, list[bytes]]]:
    """Return batches whose values are all different."""
    return [(where, [b"%d" % next(count) for _ in range(size)]) for where, size in handed]


@given(st.lists(HANDED, min_size=1, max_size=4), WRONG, st.booleans())
def test_all_or_nothing_whatever_goes_wrong(
    rounds: list[list[tuple[TopicPartition, int]]],
    wrong: list[int],
    announced: bool,  # noqa: FBT001 (hypothesis)
) -> None:
    """What was answered as committed is there, once and in order, with its offsets; of the rest nothing is.

    Only where the answer to the end itself was lost it may be either, and then all of it: the loop asks the committed
    offset. The loop would go on with another writer; here it ends.
    """
    with pytest.MonkeyPatch.context() as patch:
        _still(patch)
        own, cluster, _ = made(patch, *wrong)
        expected: dict[TopicPartition, list[bytes]] = {}
        offset, count = 0, iter(range(10_000))
        for handed in rounds:
            values = numbered(handed, count)
            with_it = {key: list(of) for key, of in expected.items()}
            for where, some in values:
                with_it.setdefault(where, []).extend(some)
            try:
                transaction(own, values, offset + 1, announced=announced)
            except (KafkaError, CommitFailedError):
                if cluster.offsets.get(SOURCE, 0) == offset + 1:
                    assert cluster.asked[-1] == "EndTxn"
                    expected = with_it
                break
            offset, expected = offset + 1, with_it
        assert cluster.logs == expected
