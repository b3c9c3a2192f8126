"""What is fraud: the shipped rules at their limits, the judgement's shape, and the hash that tells rule sets apart."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.loading import load_file, load_rules
from detector.rules.ruleset import NOTHING
from detector.settings import shipped_rules
from pipeline.contracts.messages import Hit, Verdict
from tests.unit.samples import HOSTILE, paid, transaction

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.messages import Transaction

LARGE_HIT = Hit(
    rule="large-amount",
    severity="high",
    score=100,
    message="980.05 >= 900",
    values={"amount": "980.05"},
    passing_amount="899.99",
)
BOTH = """
threshold: %d
rules:
  - {id: large-amount, when: amount >= 900, currency: any, score: 100}
  - {id: a-transfer, when: method == "TRANSFER", score: %d, mode: %s}
"""


def transfers(limit: str = "900") -> RuleSet:
    """Return the rules that are shipped for transfers."""
    return load_file(shipped_rules("transfer"), {"FRAUD_AMOUNT_THRESHOLD": Decimal(limit)})


def payments(*methods: str) -> RuleSet:
    """Return the rules that are shipped for payments, with these methods suspicious."""
    return load_file(shipped_rules("payment"), {"SUSPICIOUS_PAYMENT_TYPES": frozenset(methods)})


def hits(rules: RuleSet, judged: Transaction) -> list[Hit]:
    """Return the hits of a transaction that is fraud."""
    verdict = rules.judge(judged).verdict
    return [] if verdict is None else verdict.hits


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
    assert bool(hits(transfers(), transaction(amount=Decimal(amount)))) is fires


@pytest.mark.parametrize("limit", ["900", "900.00", "9E+2"])
def test_a_limit_means_the_same_however_it_is_written(limit: str) -> None:
    """Zeros behind the point do not move the limit."""
    assert not hits(transfers(limit), transaction(amount=Decimal("899.99")))
    assert hits(transfers(limit), transaction(amount=Decimal("900.00")))


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_amounts_are_compared_exactly(cents: int, limit_cents: int) -> None:
    """No amount and no limit is ever off by a cent, as it would be with floats."""
    rules = load_rules(
        "r", "rules: [{id: a, when: amount >= LIMIT, currency: any}]", {"LIMIT": Decimal(limit_cents).scaleb(-2)}
    )
    assert bool(hits(rules, transaction(amount=Decimal(cents).scaleb(-2)))) is (cents >= limit_cents)


def test_a_large_amount_is_told_with_its_figures() -> None:
    """The hit carries the amount as exact text, zeros included."""
    assert hits(transfers(), transaction(amount=Decimal("980.50"))) == [
        Hit(
            rule="large-amount",
            severity="high",
            score=100,
            message="980.50 >= 900",
            values={"amount": "980.50"},
            passing_amount="899.99",
        )
    ]


def test_methods_of_the_set_are_suspicious_and_no_others() -> None:
    """Methods are compared exactly: another case is another method."""
    rules = payments("BITCOIN", "PAYPAL")
    assert hits(rules, paid("BITCOIN", "mom", 7)) == [
        Hit(
            rule="suspicious-method",
            severity="medium",
            score=100,
            message="paid by BITCOIN",
            values={"method": "BITCOIN"},
        )
    ]
    assert hits(rules, paid("PAYPAL", "mom", 7))
    for method in ("VISA", "bitcoin", "BITCOIN ", "BIT", ""):
        assert rules.judge(paid(method, "mom", 7)) is NOTHING


def test_an_empty_set_suspects_nobody() -> None:
    """With no method suspicious every payment is legitimate."""
    assert payments().judge(paid("BITCOIN", "stranger", 40)) is NOTHING


def test_a_hostile_method_is_told_on_one_line() -> None:
    """What a rule says of a field is safe to print."""
    (hit,) = hits(payments(HOSTILE), paid(HOSTILE, "mom", 7))
    assert hit.message.isprintable()


def test_a_verdict_names_rule_set_score_and_hits() -> None:
    """The verdict has its final shape."""
    rules = transfers()
    assert rules.judge(transaction()).verdict == Verdict(ruleset=rules.version, score=100, hits=[LARGE_HIT])


def test_what_no_rule_hits_has_no_verdict() -> None:
    """A legitimate transaction gets none, and neither does any without rules."""
    assert transfers().judge(transaction(amount=Decimal("899.99"))) is NOTHING
    assert load_rules("r", "rules: []").judge(transaction()) is NOTHING


def test_scores_add_up_to_the_threshold() -> None:
    """Rules that do not suffice alone may suffice together, in the order they stand in the set."""
    verdict = load_rules("r", BOTH % (200, 100, "active")).judge(transaction()).verdict
    assert verdict is not None
    assert verdict.score == 200
    assert [hit.rule for hit in verdict.hits] == ["large-amount", "a-transfer"]


def test_hits_that_do_not_suffice_are_noted() -> None:
    """There is no verdict, and what was hit is not lost."""
    judgement = load_rules("r", BOTH % (200, 99, "active")).judge(transaction())
    assert judgement.verdict is None
    assert [(hit.rule, hit.score, hit.standing) for hit in judgement.noted] == [
        ("large-amount", 100, "counted"),
        ("a-transfer", 99, "counted"),
    ]


def test_a_shadow_is_noted_and_never_decides() -> None:
    """Not for the verdict, not for its score; and it is told beside hits that count."""
    rules = load_rules("r", BOTH % (200, 100, "shadow"))
    assert rules.judge(transaction()).verdict is None
    verdict = load_rules("r", BOTH % (100, 100, "shadow")).judge(transaction()).verdict
    assert verdict is not None
    assert verdict.score == 100
    assert [(hit.rule, hit.standing) for hit in verdict.hits] == [("large-amount", "counted"), ("a-transfer", "shadow")]


def test_a_rollout_decides_for_its_share_of_accounts_alone() -> None:
    """The others see the rule as a shadow."""
    rules = load_rules("r", "rules: [{id: a, when: 'true', rollout: 25}]")
    found = [rules.judge(transaction(source=f"account-{number}")) for number in range(400)]
    counted = sum(judgement.verdict is not None for judgement in found)
    assert 70 < counted < 130
    assert all(judgement.noted[0].standing == "shadow" for judgement in found if judgement.verdict is None)


def test_what_is_done_twice_is_counted_once() -> None:
    """Counts of a batch wait for its outcome."""
    rules = load_rules("r", "members: {x: number}\nrules: [{id: a, when: x > 1}, {id: b, when: 'true'}]")
    rules.judge(transaction())
    rules.counts.aborted()
    rules.judge(transaction())
    assert not rules.counts.total
    rules.counts.committed()
    assert rules.counts.told() == "a: missing 1; b: counted 1"


def test_the_same_rules_have_the_same_version() -> None:
    """The version is a hash of the content: not of the process, the order of a set or the moment."""
    assert payments("A", "B", "C").version == payments("C", "B", "A").version
    assert re.fullmatch(r"[0-9a-f]{16}", payments("A").version)


def test_any_change_of_content_changes_the_version() -> None:
    """Another limit, another method, another rule, another order or threshold is another version."""
    one, two = "{id: a, when: 'true'}", "{id: b, when: 'true'}"
    sets = [
        load_rules("r", text)
        for text in (
            "rules: []",
            f"rules: [{one}]",
            f"rules: [{one}]\nthreshold: 101",
            f"rules: [{one}]\ntimezone: Asia/Seoul",
            f"rules: [{one}]\nmembers: {{x: text}}",
            f"rules: [{one}, {two}]",
            f"rules: [{two}, {one}]",
            "rules: [{id: a, when: 'true', score: 99}]",
            "rules: [{id: a, when: 'true', mode: shadow}]",
            "rules: [{id: a, when: 'true', rollout: 99}]",
            "rules: [{id: a, when: 'true', on_error: hit}]",
            "rules: [{id: a, when: 'true', message: yes it is}]",
            "rules: [{id: a, when: 'true', severity: low}]",
            "rules: [{id: a, when: 'false'}]",
        )
    ]
    sets += [transfers(), transfers("900.01"), payments(), payments("BITCOIN"), payments("BITCOIN", "VISA")]
    assert len({rules.version for rules in sets}) == len(sets)
