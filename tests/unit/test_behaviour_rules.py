"""The shipped rules about behaviour: each fires on a stream of what it describes, and on nothing else of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from detector.rules.loading import load_file
from detector.rules.versions.body import body_of
from detector.settings import shipped_rules
from generator.scenarios.kinds import Kind
from pipeline.contracts.labels import Label
from tests.unit.samples import TRANSFERS, record, transaction
from tests.unit.scenario_days import next_of, source_of

if TYPE_CHECKING:
    from pathlib import Path

    from detector.rules.ruleset import RuleSet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEHAVIOUR = {"FRAUD_AMOUNT_THRESHOLD": Decimal(900)}


def shipped(name: str) -> Path:
    """Return a file of rules that is shipped."""
    return shipped_rules("transfer").with_name(name)


def loaded() -> RuleSet:
    """Return the rules about behaviour of transfers, all of whose stages are in one place."""
    return body_of(shipped("behaviour-transfers.yaml"), BEHAVIOUR)[1]


def test_behaviour_that_is_shipped_fires_on_what_it_describes() -> None:
    """A stream for each rule of the file about behaviour."""
    rules = loaded()
    fired: set[str] = set()

    def pay(source: str, after: timedelta, amount: str, **attributes: object) -> None:
        judged = rules.judge(
            transaction(timestamp=NOON + after, source=source, amount=Decimal(amount), attributes=attributes)
        )
        found = judged.noted if judged.verdict is None else judged.verdict.hits
        fired.update(f"{source}: {hit.rule}" for hit in found)

    second, day = timedelta(seconds=1), timedelta(days=1)
    for number in range(11):
        pay("bot", number * second, "5.00")
    for number in range(3):
        pay("smurf", number * second, "880.00")
    pay("mule", 0 * second, "0.50")
    pay("mule", 60 * second, "600.00")
    pay("sleeper", -30 * day, "20.00")
    pay("sleeper", 0 * day, "600.00")
    for number in range(20):
        pay("modest", (number - 20) * day, f"{20 + number % 3}.00")
    pay("modest", 0 * day, "400.00")
    pay("traveller", 0 * second, "9.00", country="DE", latitude=Decimal("52.5"), longitude=Decimal("13.4"))
    pay("traveller", 900 * second, "9.00", country="BR", latitude=Decimal("-23.5"), longitude=Decimal("-46.6"))
    for number in range(50):
        pay(f"crowd-{number}", number * second, "150.00")
    assert fired == {
        "crowd-49: fan-in",
        "bot: many-in-a-minute",
        "smurf: structuring",
        "mule: test-then-drain",
        "sleeper: dormant-account-wakes",
        "modest: far-above-its-normal",
        "traveller: impossible-travel",
    }


FOUND_BY = {
    Kind.LARGE_AMOUNT: "large-amount",
    Kind.VELOCITY: "many-in-a-minute",
    Kind.STRUCTURING: "structuring",
    Kind.TEST_THEN_DRAIN: "test-then-drain",
    Kind.DORMANT_ACCOUNT: "dormant-account-wakes",
    Kind.IMPOSSIBLE_TRAVEL: "impossible-travel",
    Kind.UNUSUAL_AMOUNT: "far-above-its-normal",
    Kind.FAN_IN: "fan-in",
}
TRANSACTIONS = 40_000  # not quite seven days
FALSE_POSITIVES = 5 / 10_000


def test_each_kind_of_fraud_in_the_realistic_scenario_is_found_by_its_rule() -> None:
    """Every transaction that a label calls decisive, and hardly anything that is no fraud."""
    rules = loaded()
    made = next_of(source_of(1), TRANSACTIONS)
    written = [msgspec.json.decode(one.value, type=Label) for _, one in made if one is not None]
    labels = {label.transaction_id: label for label in written}
    assert FOUND_BY.keys() == {label.kind for label in written if label.fraud and label.decisive}
    missed: list[str] = []
    alarms = 0
    for number, (sent, _) in enumerate(made):
        read = TRANSFERS.read(record(sent.value, offset=number))
        verdict = rules.judge(read, 0).verdict
        label = labels.get(read.id)
        fired = set() if verdict is None else {hit.rule for hit in verdict.hits}
        if label is not None and label.fraud and label.decisive:
            missed += [] if FOUND_BY[Kind(label.kind)] in fired else [f"{label.kind} {read.id}"]
        alarms += bool(fired) and (label is None or not label.fraud)
    rules.committed()
    assert missed == []
    assert alarms <= len(made) * FALSE_POSITIVES


def test_a_transfer_without_a_place_is_judged_by_the_other_rules() -> None:
    """Where members are missing, the rule that asks for them misses."""
    rules = loaded()
    for _ in range(2):
        assert rules.judge(transaction(amount=Decimal("9.00"))).verdict is None
    assert rules.judge(transaction(amount=Decimal("900.00"))).verdict is not None


def test_the_file_about_behaviour_of_payments_loads() -> None:
    """It is checked as it is shipped, and its rules are those that its text names."""
    file = shipped("behaviour-payments.yaml")
    rules = load_file(file, {"SUSPICIOUS_PAYMENT_TYPES": frozenset({"BITCOIN"})})
    assert [one["id"] for one in rules.describe()] == re.findall(r"^  - id: (\S+)$", file.read_text(), re.MULTILINE)
