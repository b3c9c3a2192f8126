"""Frauds of the realistic scenario: their conditions hold, by brute force, and hardly ever without a fraud."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from generator.scenarios import kinds
from generator.scenarios.frauds import MOST_CASES, USUAL_CASES
from generator.scenarios.kinds import KNOWN_AFTER_DAYS, Kind
from generator.scenarios.places import City, distance_km
from tests.support.conditions import PURCHASES, holding
from tests.unit.scenario_days import Made, made

if TYPE_CHECKING:
    from pipeline.contracts.labels import Label
    from tests.support.conditions import Sent

TRANSACTIONS = 40_000  # not quite seven days, and 70 cases
# So many of what people do by themselves may fulfil some condition: purchases of a car or a kitchen, mostly.
FALSE_POSITIVES = 5 / 10_000

Found = dict[Kind, set[str]]


@pytest.fixture(scope="module")
def days() -> Made:
    """Provide some days of one seed."""
    return made(1, TRANSACTIONS)


@pytest.fixture(scope="module")
def found(days: Made) -> Found:
    """Provide where each kind's condition holds, by brute force."""
    return holding(days.sent)


def cases_of(days: Made, kind: Kind) -> list[list[tuple[Sent, Label]]]:
    """Return the frauds of a kind, each with its transactions in order, but for those that are not over yet."""
    by_id = {one.id: one for one in days.sent}
    cases = defaultdict(list)
    for label in days.labels:
        if label.kind == kind and label.fraud:
            cases[label.case].append((by_id[label.transaction_id], label))
    over = days.sent[-1].time - timedelta(hours=13)
    return [case for case in cases.values() if case[0][0].time < over]


@pytest.mark.parametrize("kind", Kind)
def test_its_condition_holds_at_every_transaction_that_is_called_decisive(days: Made, found: Found, kind: Kind) -> None:
    """Whoever states the condition as a rule finds every case, at the transactions that the labels name."""
    decisive = {label.transaction_id for label in days.labels if label.kind == kind and label.fraud and label.decisive}
    assert decisive
    assert decisive <= found[kind]


@pytest.mark.parametrize("kind", Kind)
def test_every_case_that_is_over_has_a_decisive_transaction(days: Made, kind: Kind) -> None:
    """Each kind comes again and again, and each time it is complete."""
    cases = cases_of(days, kind)
    assert len(cases) >= 4
    for case in cases:
        assert any(label.decisive for _, label in case)


def test_what_people_do_hardly_ever_fulfils_a_condition(days: Made, found: Found) -> None:
    """Rules with these conditions are right about nearly everybody."""
    frauds = {label.transaction_id for label in days.labels if label.fraud}
    alarms = set[str]().union(*found.values()) - frauds
    assert len(alarms) <= (len(days.sent) - len(frauds)) * FALSE_POSITIVES


def test_what_only_looks_like_fraud_has_a_label_that_says_so(days: Made, found: Found) -> None:
    """Large purchases of honest people are labelled as such: whoever was asked has said it was them."""
    cleared = {label.transaction_id for label in days.labels if not label.fraud}
    frauds = {label.transaction_id for label in days.labels if label.fraud}
    assert cleared
    assert found[Kind.LARGE_AMOUNT] <= cleared | frauds


def test_no_fraud_is_found_by_the_amount_alone_but_the_large_one(days: Made, found: Found) -> None:
    """Each kind needs its own rule: the others stay below the limit."""
    large = found[Kind.LARGE_AMOUNT]
    others = {label.transaction_id for label in days.labels if label.fraud and label.kind != Kind.LARGE_AMOUNT}
    assert not large & others


def test_fifty_accounts_pay_the_same_round_amount_to_one(days: Made) -> None:
    """Fan-in: one target, one amount, everybody once, within hours."""
    for case in cases_of(days, Kind.FAN_IN):
        paid = [one for one, _ in case]
        assert len({one.target for one in paid}) == len({one.amount for one in paid}) == 1
        assert len({one.source for one in paid}) == len(paid) >= kinds.FEWEST_SOURCES
        assert paid[0].amount % kinds.ROUND == 0
        assert paid[-1].time - paid[0].time <= timedelta(hours=6)


def test_a_test_comes_before_the_drain(days: Made) -> None:
    """A small purchase, then a large transfer of the same account from the same device, which is not its own."""
    for (test, _), (drain, _) in cases_of(days, Kind.TEST_THEN_DRAIN):
        assert test.source == drain.source
        assert test.amount < kinds.TEST < kinds.DRAIN <= drain.amount
        assert test.members["device"] == drain.members["device"]
        assert timedelta(0) < drain.time - test.time < timedelta(hours=1)


def place_of(one: Sent) -> City:
    """Return where a card was held into a machine."""
    return City(one.country, float(one.members["latitude"]), float(one.members["longitude"]), ZoneInfo("UTC"))


def test_a_copied_card_is_used_far_away(days: Made) -> None:
    """The holder pays at home, the copy in another country, faster than anybody travels."""
    by_source = defaultdict(list)
    for one in days.sent:
        if one.channel == "card_present":
            by_source[one.source].append(one)
    for ((copied, _),) in cases_of(days, Kind.IMPOSSIBLE_TRAVEL):
        earlier = [one for one in by_source[copied.source] if one.time < copied.time][-1]
        assert copied.time - earlier.time < timedelta(hours=1)
        here, there = (place_of(one) for one in (earlier, copied))
        assert earlier.country != copied.country
        assert distance_km(here, there) >= kinds.FARAWAY_KM - 50  # cities are apart by that, shops a little less


def test_purchases_of_velocity_are_within_a_minute(days: Made) -> None:
    """A burst of small purchases online, of one account."""
    for case in cases_of(days, Kind.VELOCITY):
        burst = [one for one, _ in case]
        assert len(burst) > kinds.MANY
        assert len({one.source for one in burst}) == 1
        assert {one.channel for one in burst} <= PURCHASES
        assert burst[-1].time - burst[0].time < timedelta(minutes=1)


def test_labels_speak_of_transactions_that_are_there(days: Made) -> None:
    """Every label has one transaction, and its id follows from it: however often it is written, it counts once."""
    ids = {one.id for one in days.sent}
    assert {label.transaction_id for label in days.labels} <= ids
    assert len({label.label_id for label in days.labels}) == len(days.labels)
    assert {(label.label_id, label.origin) for label in days.labels} == {
        (f"generator:{label.transaction_id}", "generator") for label in days.labels
    }


def test_a_label_may_be_used_days_after_the_last_transaction_of_its_case(days: Made) -> None:
    """A case is known as a whole, after its kind's delay on the clock of the transactions."""
    for kind in Kind:
        least, most = (timedelta(days=number) for number in KNOWN_AFTER_DAYS[kind])
        for case in cases_of(days, kind):
            (known_at,) = {label.known_at for _, label in case}
            last = max(one.time for one, _ in case)
            assert least - timedelta(milliseconds=1) <= known_at - last <= most


@pytest.mark.parametrize("cases", [1, USUAL_CASES, 54, MOST_CASES])
def test_there_are_as_many_cases_as_were_asked_for(cases: int) -> None:
    """The rate is kept, and all kinds come equally often, but for the large ones, which come twice."""
    count = 30_000
    days = made(2, count, cases=cases)
    begun = {label.case: label.kind for label in days.labels if label.fraud}
    assert len(begun) == pytest.approx(count * cases / 10_000, rel=0.2, abs=2)
    by_kind = Counter(begun.values())
    if cases >= USUAL_CASES:
        assert set(by_kind) == set(Kind)
        assert by_kind[Kind.LARGE_AMOUNT] == pytest.approx(len(begun) * 2 / 9, rel=0.25)


def test_there_may_be_no_fraud_at_all() -> None:
    """With no cases asked for, nothing is labelled as fraud."""
    assert not any(label.fraud for label in made(3, 20_000, cases=0).labels)
