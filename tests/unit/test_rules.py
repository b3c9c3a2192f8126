"""What is fraud: the rules at their limits, the verdict's shape, and the hash that tells rule sets apart."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.large_amount import LargeAmount
from detector.rules.ruleset import RuleSet
from detector.rules.suspicious_method import SuspiciousMethod
from pipeline.contracts.messages import Hit, Verdict
from tests.unit.samples import HOSTILE, paid, transaction

if TYPE_CHECKING:
    from detector.rules.rule import Rule

NINE_HUNDRED = Decimal(900)


@pytest.mark.parametrize(
    ("amount", "fires"),
    [
        ("0.00", False),
        ("1.00", False),
        ("899.99", False),
        ("900", True),
        ("900.00", True),
        ("900.01", True),
        ("999999999999999.99", True),
    ],
)
def test_a_large_amount_begins_at_the_limit(*, amount: str, fires: bool) -> None:
    """The limit itself is large, one cent less is not."""
    assert (LargeAmount(NINE_HUNDRED).judge(transaction(amount=Decimal(amount))) is not None) is fires


@pytest.mark.parametrize("limit", ["900", "900.00", "9E+2"])
def test_a_limit_means_the_same_however_it_is_written(limit: str) -> None:
    """Zeros behind the point do not move the limit."""
    rule = LargeAmount(Decimal(limit))
    assert rule.judge(transaction(amount=Decimal("899.99"))) is None
    assert rule.judge(transaction(amount=Decimal("900.00"))) is not None


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_amounts_are_compared_exactly(cents: int, limit_cents: int) -> None:
    """No amount and no limit is ever off by a cent, as it would be with floats."""
    rule = LargeAmount(Decimal(limit_cents).scaleb(-2))
    fired = rule.judge(transaction(amount=Decimal(cents).scaleb(-2)))
    assert (fired is not None) is (cents >= limit_cents)


def test_a_large_amount_is_told_with_its_figures() -> None:
    """The hit carries the amount as exact text, zeros included."""
    assert LargeAmount(NINE_HUNDRED).judge(transaction(amount=Decimal("980.50"))) == Hit(
        rule="large-amount", severity="high", score=100, message="980.50 >= 900", values={"amount": "980.50"}
    )


def test_methods_of_the_set_are_suspicious_and_no_others() -> None:
    """Methods are compared exactly: another case is another method."""
    rule = SuspiciousMethod(frozenset({"BITCOIN", "PAYPAL"}))
    assert rule.judge(paid("BITCOIN", "mom", 7)) == Hit(
        rule="suspicious-method",
        severity="medium",
        score=100,
        message="paid by BITCOIN",
        values={"method": "BITCOIN"},
    )
    assert rule.judge(paid("PAYPAL", "mom", 7)) is not None
    for method in ("VISA", "bitcoin", "BITCOIN ", "BIT", ""):
        assert rule.judge(paid(method, "mom", 7)) is None


def test_an_empty_set_suspects_nobody() -> None:
    """With no method suspicious every payment is legitimate."""
    assert RuleSet([SuspiciousMethod(frozenset())]).judge(paid("BITCOIN", "stranger", 40)) is None


def test_a_hostile_method_is_told_on_one_line() -> None:
    """What a rule says of a field is safe to print."""
    hit = SuspiciousMethod(frozenset({HOSTILE})).judge(paid(HOSTILE, "mom", 7))
    assert hit is not None
    assert hit.message.isprintable()


def test_a_verdict_names_rule_set_score_and_hits() -> None:
    """The verdict has its final shape."""
    rules = RuleSet([LargeAmount(NINE_HUNDRED)])
    verdict = rules.judge(transaction())
    assert verdict == Verdict(
        ruleset=rules.version,
        score=100,
        hits=[
            Hit(rule="large-amount", severity="high", score=100, message="980.05 >= 900", values={"amount": "980.05"})
        ],
    )


def test_what_no_rule_hits_has_no_verdict() -> None:
    """A legitimate transaction gets none, and neither does any without rules."""
    assert RuleSet([LargeAmount(NINE_HUNDRED)]).judge(transaction(amount=Decimal("899.99"))) is None
    assert RuleSet([]).judge(transaction()) is None
    assert RuleSet([], threshold=0).judge(transaction()) is None


def test_scores_add_up_to_the_threshold() -> None:
    """Rules that do not suffice alone may suffice together, in the order they stand in the set."""
    both: list[Rule] = [LargeAmount(NINE_HUNDRED), SuspiciousMethod(frozenset({"TRANSFER"}))]
    assert RuleSet(both[:1], threshold=200).judge(transaction()) is None
    verdict = RuleSet(both, threshold=200).judge(transaction())
    assert verdict is not None
    assert verdict.score == 200
    assert [hit.rule for hit in verdict.hits] == ["large-amount", "suspicious-method"]


def test_the_same_rules_have_the_same_version() -> None:
    """The version is a hash of the content: not of the process, the order of a set or the moment."""
    one = RuleSet([SuspiciousMethod(frozenset({"A", "B", "C"}))])
    two = RuleSet([SuspiciousMethod(frozenset({"C", "B", "A"}))])
    assert one.version == two.version
    assert re.fullmatch(r"[0-9a-f]{16}", one.version)


def test_the_version_of_the_default_rules_is_known() -> None:
    """Whoever changes what a rule does without meaning to finds the hash in every verdict changed."""
    assert RuleSet([LargeAmount(NINE_HUNDRED)]).version == "6bbfd9779308c8ca"
    assert RuleSet([SuspiciousMethod(frozenset({"BITCOIN"}))]).version == "af73fb0a3c4e042c"


def test_any_change_of_content_changes_the_version() -> None:
    """Another limit, another method, another rule, another order or threshold is another version."""
    large, coin = LargeAmount(NINE_HUNDRED), SuspiciousMethod(frozenset({"BITCOIN"}))
    sets = [
        RuleSet([]),
        RuleSet([large]),
        RuleSet([large], threshold=101),
        RuleSet([LargeAmount(Decimal("900.01"))]),
        RuleSet([coin]),
        RuleSet([SuspiciousMethod(frozenset())]),
        RuleSet([SuspiciousMethod(frozenset({"BITCOIN", "VISA"}))]),
        RuleSet([large, coin]),
        RuleSet([coin, large]),
    ]
    assert len({rules.version for rules in sets}) == len(sets)


def test_methods_with_commas_are_told_apart_from_two_methods() -> None:
    """One method named ``A,B`` is not the two methods A and B, and neither is its version."""
    one = RuleSet([SuspiciousMethod(frozenset({"A,B"}))])
    two = RuleSet([SuspiciousMethod(frozenset({"A", "B"}))])
    assert one.judge(paid("A", "mom", 1)) is None
    assert two.judge(paid("A", "mom", 1)) is not None
    assert one.version != two.version
