"""The exactly-once loop: the order of its steps, and what becomes of every kind of failure."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from itertools import count, islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
)

from pipeline.contracts import topics
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing, record_of
from pipeline.errors import EXIT_UNAVAILABLE, BrokerUnavailableError
from pipeline.runtime.breaker import Breaker
from pipeline.runtime.clients.reading import ReadingStalledError
from pipeline.runtime.pieces import Made
from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional import tripped
from pipeline.runtime.transactional.batch import Batch
from pipeline.runtime.transactional.patience import FAILURES_IN_A_ROW
from pipeline.runtime.transactional.start import LostOffsetsError
from tests.unit.fake_kafka import member
from tests.unit.fake_parts import PLACE, Rig, batch_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.contracts.records import Record

ENDING = ["output.close", "intake.close"]
REFUSED = InvalidMessageError(Reason.MISSING_MEMBER, "member 'amount' is missing")
LARGE = Outgoing(topics.FRAUD, b"x" * 101)


def test_a_batch_goes_through_its_steps_in_order() -> None:
    """Begin, handle and send each record, commit, and only then is it committed for the handler."""
    rig = Rig(batch_of(5, 6))
    assert rig.run() == ["begin", "handle 5", "send 5", "handle 6", "send 6", "commit", "committed", *ENDING]
    assert rig.output.visible == [("legit", 5, ""), ("legit", 6, "")]
    assert "handling a batch" in [name for name, _ in rig.watchdog.watched]


def test_every_batch_has_a_transaction_of_its_own() -> None:
    """None is open across a poll or while there is nothing to do."""
    rig = Rig(batch_of(5), None, None, batch_of(6))
    rig.run()
    assert rig.steps.taken == [
        *["poll", "begin", "handle 5", "send 5", "commit", "committed"],
        *["poll", "poll", "poll", "begin", "handle 6", "send 6", "commit", "committed", "poll"],
        *ENDING,
    ]
    assert rig.vitals.beats == 5


def test_one_record_may_lead_to_several_and_to_none() -> None:
    """All of what a handler returns is written, in its order."""
    rig = Rig(batch_of(5, 6))
    rig.handler.answers = {5: [], 6: [Outgoing(topics.FRAUD), Outgoing(topics.LEGIT)]}
    rig.run()
    assert rig.output.visible == [("fraud", 6, ""), ("legit", 6, "")]


def test_what_cannot_be_handled_is_a_letter_in_the_same_transaction() -> None:
    """The record before and the one behind go on, and all of it is committed together."""
    rig = Rig(batch_of(5, 6, 7))
    rig.handler.answers = {6: REFUSED}
    assert rig.run() == [
        *["begin", "handle 5", "send 5", "handle 6", "letter 6", "handle 7", "send 7", "commit", "committed"],
        *ENDING,
    ]
    assert ("transactions-dead-letter", 6, "missing-member") in rig.output.visible


@pytest.mark.parametrize("answer", [[LARGE], [Outgoing(topics.LEGIT), LARGE], [LARGE, Outgoing(topics.LEGIT)]])
def test_what_is_too_large_is_a_letter_and_nothing_else_of_its_record_is_sent(answer: list[Outgoing]) -> None:
    """All that a record leads to is checked before any of it is sent."""
    rig = Rig(batch_of(5, 6))
    rig.handler.answers = {5: answer}
    rig.run()
    assert rig.output.visible == [("transactions-dead-letter", 5, "too-large"), ("legit", 6, "")]


@pytest.mark.parametrize("step", ["begin", "send 5", "commit"])
@pytest.mark.parametrize("error", [KafkaTimeoutError(), ProducerFencedError(), KafkaError()])
def test_a_transaction_that_failed_and_was_aborted_comes_again(step: str, error: Exception) -> None:
    """A new producer, then the outcome, then the handler forgets and reading goes back; the batch comes again."""
    rig = Rig(batch_of(5), batch_of(5))
    rig.wrong(**{step: [error]})
    rig.intake.outcomes = [False]
    taken = rig.run()
    failed = taken.index(step)
    assert taken[failed + 1 : failed + 5] == ["replace", "has_committed", "aborted", "rewind"]
    assert taken[failed + 5 :] == ["begin", "handle 5", "send 5", "commit", "committed", *ENDING]
    assert "abort" not in taken
    assert rig.output.visible == [("legit", 5, "")]
    assert rig.stop.waited == [0.25]


def test_a_transaction_that_failed_and_was_committed_does_not_come_again() -> None:
    """An answer that was lost on the way back is no abort: the committed offset tells."""
    rig = Rig(batch_of(5), batch_of(6))
    rig.wrong(commit=[KafkaTimeoutError()])
    rig.intake.outcomes = [True]
    assert rig.run() == [
        *["begin", "handle 5", "send 5", "commit", "replace", "has_committed", "committed"],
        *["begin", "handle 6", "send 6", "commit", "committed"],
        *ENDING,
    ]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("step", ["replace", "has_committed"])
def test_the_outcome_is_asked_for_until_it_is_known(step: str, *, committed: bool) -> None:
    """While the cluster does not answer nothing is decided, and every try has a producer of its own."""
    rig = Rig(batch_of(5))
    rig.wrong(commit=[KafkaTimeoutError()], **{step: [KafkaError()] * 3})
    rig.intake.outcomes = [committed]
    taken = rig.run()
    assert taken.count("replace") == 4
    assert taken.count("committed") + taken.count("aborted") == 1
    assert ("committed" in taken) is committed
    assert ("rewind" in taken) is not committed
    assert bool(rig.intake.settled_batches) is committed
    assert rig.stop.waited == [0.25, 0.5, 1.0, 2.0]


def test_a_rewind_that_failed_is_tried_again() -> None:
    """Without it the batch would be passed over: reading would go on behind it."""
    rig = Rig(batch_of(5), batch_of(5))
    rig.wrong(commit=[KafkaTimeoutError()], rewind=[KafkaError(), None])
    rig.intake.outcomes = [False, False]
    taken = rig.run()
    assert taken.count("rewind") == 2
    assert taken.count("committed") == 1
    assert rig.output.visible == [("legit", 5, "")]


OUTCOMES = st.lists(
    st.tuples(st.sampled_from(["fine", "begin", "send", "commit"]), st.integers(0, 3), st.booleans()), max_size=12
)


@given(OUTCOMES)
def test_every_batch_is_either_committed_or_aborted(plans: list[tuple[str, int, bool]]) -> None:
    """Over any history of failures the handler hears exactly one outcome a batch, the one the cluster has."""
    rig = Rig(*[batch_of(5) for _ in plans])
    fails = {
        step: [KafkaError() if plan[0] == step else None for plan in plans] for step in ("begin", "send", "commit")
    }
    # A step is reached only where no earlier one failed.
    sends = [error for error, plan in zip(fails["send"], plans, strict=True) if plan[0] != "begin"]
    commits = [error for error, plan in zip(fails["commit"], plans, strict=True) if plan[0] in {"fine", "commit"}]
    replaces: list[BaseException | None] = []
    for step, retries, _ in plans:
        if step != "fine":
            replaces += [*[KafkaError()] * retries, None]
    rig.wrong(**{"begin": fails["begin"], "send 5": sends, "commit": commits, "replace": replaces})
    rig.intake.outcomes = [committed for step, _, committed in plans if step != "fine"]
    expected = ["committed" if step == "fine" or committed else "aborted" for step, _, committed in plans]
    failures = 0
    for number, (step, retries, _) in enumerate(plans):
        failures = 0 if step == "fine" else failures + 1 + retries
        if failures >= FAILURES_IN_A_ROW:
            del expected[number:]
            break
    try:
        rig.run()
    except BrokerUnavailableError:
        assert len(expected) < len(plans)
    assert [step for step in rig.taken if step in {"committed", "aborted"}] == expected
    assert rig.taken[-2:] == ENDING


def test_a_disturbed_producer_is_replaced_before_anything_is_polled() -> None:
    """A commit that was answered may not be ended everywhere: nothing is written before it is."""
    rig = Rig(batch_of(5), batch_of(6))
    rig.output.disturbances = [False, True, True, False, False]
    rig.wrong(replace=[KafkaError(), None])
    assert rig.run() == [
        *["begin", "handle 5", "send 5", "commit", "committed", "replace", "replace"],
        *["begin", "handle 6", "send 6", "commit", "committed"],
        *ENDING,
    ]
    assert rig.stop.waited == [0.25]


def test_offsets_without_records_are_committed_like_all_others() -> None:
    """A transaction of offsets alone, after which a failure does not ask for less than one record."""
    empty = Batch({}, member(1), one_by_one(is_input=True).read, positions={PLACE: 8})
    rig = Rig(empty, empty)
    rig.wrong(commit=[KafkaTimeoutError(), None])
    rig.intake.outcomes = [False]
    taken = rig.run()
    assert taken[:1] + taken[-5:-2] == ["begin", "begin", "commit", "committed"]
    assert min(rig.intake.asked) >= 1


def test_a_bug_is_no_poison_message() -> None:
    """What nobody foresaw aborts the transaction and ends the loop, with both clients closed and nothing committed."""
    rig = Rig(batch_of(5, 6), batch_of(7))
    rig.handler.answers = {6: ZeroDivisionError("a bug")}
    with pytest.raises(ZeroDivisionError, match="a bug"):
        rig.run()
    assert rig.taken == ["begin", "handle 5", "send 5", "handle 6", "abort", *ENDING]
    assert rig.output.visible == []


def test_a_bug_is_told_with_the_record_it_met(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks for the cause finds topic, partition and offset."""
    rig = Rig(batch_of(5))
    rig.handler.answers = {5: KeyError("x")}
    with caplog.at_level(logging.ERROR), pytest.raises(KeyError):
        rig.run()
    assert "input:0:5" in caplog.text


def test_a_piece_that_cannot_be_read_on_fails_its_transaction() -> None:
    """What was handled of it is written by nobody; a smaller transaction is tried, and the handler has forgotten."""

    class Broken(Made):
        __slots__ = ()

        def __iter__(self) -> Iterator[Record]:
            yield from islice(super().__iter__(), 1)
            raise CorruptRecordError("a record ends behind its batch")

    whole = batch_of(5, 6)
    make = partial(record_of, is_input=True)
    rig = Rig(replace(whole, read=lambda polled: (Broken(polled, make),)), batch_of(5))
    rig.intake.outcomes = [False]
    assert rig.run() == [
        *["begin", "handle 5", "send 5", "replace", "has_committed", "aborted", "rewind"],
        *["begin", "handle 5", "send 5", "commit", "committed", *ENDING],
    ]
    assert rig.output.visible == [("legit", 5, "")]
    assert rig.intake.asked[1] == 1


def test_an_error_of_the_client_is_told_as_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    """It does not end the process, so nothing may say that it does; a batch that is full is handed over in between."""
    rig = Rig(batch_of(5), batch_of(5))
    rig.wrong(**{"send 5": [KafkaTimeoutError("slow")]})
    rig.intake.outcomes = [False]
    with caplog.at_level(logging.ERROR):
        rig.run()
    assert rig.output.visible == [("legit", 5, "")]
    assert not caplog.records


def test_the_loop_gives_up_after_many_failures_in_a_row() -> None:
    """The cluster has had its time: the process ends with the code for what is unavailable, and is started again."""
    rig = Rig(batch_of(5))
    rig.wrong(commit=[KafkaTimeoutError()], replace=[KafkaError("no answer")] * 100)
    with pytest.raises(BrokerUnavailableError, match=f"failed {FAILURES_IN_A_ROW} times in a row.*no answer") as ended:
        rig.run()
    assert ended.value.exit_code == EXIT_UNAVAILABLE
    assert rig.taken.count("replace") == FAILURES_IN_A_ROW - 1
    assert rig.taken[-2:] == ENDING
    assert max(rig.stop.waited) == 2.0


def test_polls_that_fail_count_as_well() -> None:
    """A cluster that cannot even be read from is given up after as many tries."""
    rig = Rig(*[KafkaError() for _ in range(FAILURES_IN_A_ROW + 5)])
    with pytest.raises(BrokerUnavailableError, match=f"failed {FAILURES_IN_A_ROW} times in a row"):
        rig.run()


def test_a_success_begins_the_count_anew() -> None:
    """Failures that lie apart are no row, and the first wait is short again."""
    plans: list[BaseException | None] = [KafkaTimeoutError(), None] * FAILURES_IN_A_ROW
    rig = Rig(*[batch_of(number) for number in range(len(plans))])
    rig.wrong(commit=plans)
    rig.intake.outcomes = [False] * FAILURES_IN_A_ROW
    rig.run()
    assert rig.stop.waited == [0.25] * FAILURES_IN_A_ROW


def test_polls_that_failed_now_and_then_on_a_quiet_topic_are_no_row() -> None:
    """Where nothing is sent for weeks, a failure now and then is not added to one of last month."""
    quiet: list[BaseException | None] = [KafkaError(), *[None] * 100] * (FAILURES_IN_A_ROW + 5)
    rig = Rig(*quiet)
    rig.run()
    assert rig.taken == ENDING


@pytest.mark.parametrize("error", [TopicAuthorizationFailedError({"x"}), SaslAuthenticationFailedError()])
def test_a_refusal_is_not_tried_again(error: Exception) -> None:
    """Waiting does not grant access: the end comes at once and names what to look at."""
    rig = Rig(batch_of(5))
    rig.wrong(commit=[error])
    with pytest.raises(BrokerUnavailableError, match=r"refuses us .*check the ACLs of detector"):
        rig.run()
    assert rig.taken[-2:] == ENDING
    assert rig.stop.waited == []


def test_lost_offsets_end_the_loop() -> None:
    """What a person has to decide is not tried again."""
    rig = Rig(LostOffsetsError("input:0 lost offsets"))
    with pytest.raises(LostOffsetsError):
        rig.run()
    assert rig.taken == ENDING


@pytest.mark.parametrize("step", ["poll", "begin", "handle 5", "send 6", "commit"])
def test_a_stop_finishes_the_batch_at_hand(step: str) -> None:
    """Whenever a stop is asked for, what was polled is committed, and nothing is polled any more."""
    rig = Rig(batch_of(5, 6), batch_of(7))
    rig.steps.stop_at = step
    assert rig.run() == ["begin", "handle 5", "send 5", "handle 6", "send 6", "commit", "committed", *ENDING]


def test_a_stop_before_the_start_polls_nothing() -> None:
    """A process that is to end at once leaves the group at once."""
    rig = Rig(batch_of(5))
    rig.stop.request()
    rig.run()
    assert rig.steps.taken == ENDING


def test_a_stop_does_not_wait_for_a_cluster_that_is_away() -> None:
    """What cannot be settled is left to the broker: the end is not held up by sixty tries."""
    rig = Rig(batch_of(5))
    rig.steps.stop_at = "commit"
    rig.wrong(commit=[KafkaTimeoutError()], replace=[KafkaError()] * 100)
    with pytest.raises(BrokerUnavailableError):
        rig.run()
    assert rig.taken.count("replace") <= 2


def test_too_many_invalid_records_are_not_committed() -> None:
    """The batch that trips the breaker is aborted, nothing is read until a person says so, then it comes again."""
    rig = Rig(batch_of(5, 6), batch_of(5, 6), breaker=Breaker(window=2, share=0.5))
    rig.handler.answers = {5: REFUSED, 6: REFUSED}
    rig.intake.outcomes = [False]
    rig.steps.stop_at = "resume.look"
    taken = rig.run()
    assert taken[: taken.index("replace")] == ["begin", "handle 5", "letter 5", "handle 6", "letter 6"]
    assert taken[taken.index("replace") :][:4] == ["replace", "has_committed", "aborted", "rewind"]
    assert "commit" not in taken
    assert taken.index("resume.start") < taken.index("stay") < taken.index("resume.look") < taken.index("go_on")
    assert rig.output.visible == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("resume.start", KafkaError()),
        ("stay", KafkaError()),
        ("resume.look", KafkaError()),
        ("resume.look", ReadingStalledError("nothing more could be read")),
    ],
    ids=["start", "stay", "look", "stalled"],
)
def test_a_cluster_that_fails_does_not_end_a_tripped_service(
    step: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays up and reads nothing on: ending would have a restart policy drain the topic into the dead letters."""
    ticks = count(0, 60)
    monkeypatch.setattr(tripped, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    rig = Rig(*[batch_of(5, 6) for _ in range(3)], breaker=Breaker(window=2, share=0.5))
    rig.handler.answers = {5: REFUSED, 6: REFUSED}
    rig.intake.outcomes = [False] * 3
    rig.wrong(**{step: [error]})
    taken = rig.run()
    assert taken.count(step) >= 2
    assert "resume.look" in taken[: taken.index("commit")]
    assert rig.output.visible[:2] == [
        ("transactions-dead-letter", 5, "missing-member"),
        ("transactions-dead-letter", 6, "missing-member"),
    ]


def test_what_was_too_much_for_a_transaction_comes_in_halves() -> None:
    """A batch that fails is asked for again in smaller parts, down to one record, and in larger ones once it fits."""
    rig = Rig(batch_of(*range(8)), batch_of(*range(4)), batch_of(0), batch_of(1), batch_of(2, 3))
    rig.wrong(commit=[KafkaTimeoutError(), KafkaTimeoutError(), KafkaTimeoutError(), None, None])
    rig.intake.outcomes = [False] * 3
    rig.run()
    assert rig.intake.asked == [500, 4, 2, 1, 2, 4]
