"""The amount that would have passed, in a verdict: held against trying all amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.versions.body import at_work
from pipeline.contracts.rule_bodies import RuleBody
from tests.unit.samples import transaction

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

MOST = 12  # of the amounts that are tried, in whole yen


def rules_of(when: str, more: str = "") -> RuleSet:
    """Return a rule with this condition."""
    return at_work(RuleBody("r.yaml", f"rules: [{{id: a, when: '{when}', currency: any{more}}}]"))


def told(rules: RuleSet, amount: str, currency: str = "EUR", **fields: object) -> str | None:
    """Return the passing amount in the verdict on a transaction."""
    verdict = rules.judge(transaction(amount=Decimal(amount), currency=currency, **fields)).verdict
    assert verdict is not None
    return verdict.hits[0].passing_amount


@pytest.mark.parametrize(
    ("when", "amount", "passing"),
    [
        ("amount >= 900", "980.05", "899.99"),
        ("amount > 900", "980.05", "900.00"),
        ("900 <= amount", "900.00", "899.99"),
        ("amount >= 899.995", "900.00", "899.99"),
        ("810 <= amount < 900", "890.00", "900.00"),
        ("810 <= amount < 900", "820.00", "809.99"),
        ("amount < 5", "1.00", "5.00"),
        ("amount == 5", "5.00", "4.99"),
        ("amount != 5", "9.00", "5.00"),
        ("amount >= 900 or amount <= 10", "1000.00", "899.99"),
        ("amount >= 900 or amount >= 100", "1000.00", "99.99"),
        ('amount >= 900 and method == "CARD"', "1000.00", "899.99"),
        ("not (amount < 900)", "1000.00", "899.99"),
    ],
)
def test_it_is_the_nearest(when: str, amount: str, passing: str) -> None:
    """In steps of the currency, above or below; of two that are as near, the smaller."""
    assert told(rules_of(when), amount, method="CARD") == passing


@pytest.mark.parametrize(
    "when",
    [
        "amount >= 0",
        'method == "CARD"',
        'amount >= 900 or method == "CARD"',
        "amount * 2 >= 900",
        "amount in [1000, 2000]",
        "amount >= 0.5 * amount",
    ],
)
def test_there_may_be_none_or_none_that_can_be_told(when: str) -> None:
    """No amount passes, or the amount stands for more than one side of a comparison."""
    assert told(rules_of(when), "1000.00", method="CARD") is None


def test_it_has_the_decimals_of_its_currency() -> None:
    """There is no half a yen."""
    rules = rules_of("amount >= 900")
    assert told(rules, "980", "JPY") == "899"
    assert told(rules, "980.000", "KWD") == "899.999"


def test_a_limit_that_history_sets_is_told_where_the_amount_is_no_part_of_it() -> None:
    """How often somebody paid does not change with how much; what they paid on average does."""
    key = ", key: source, window: 1h"
    assert told(rules_of("count() >= 1 and amount >= 900", key), "980.05") == "899.99"
    assert told(rules_of("amount >= avg(amount)", key), "980.05") is None
    assert told(rules_of("count(where=amount > 5) >= 1 and amount >= 900", key), "980.05") is None
    assert told(rules_of("count() >= 1 and amount >= 900", key + ", filter: amount > 5"), "980.05") is None


def test_a_rule_for_another_currency_or_one_that_errs_is_asked_as_it_is() -> None:
    """What decides about a hit decides about the passing amount, too."""
    erring = rules_of("amount >= 900 or 1 / (hour(timestamp) - hour(timestamp)) > 1", ", on_error: hit")
    assert told(erring, "980.05") is None


TERMS = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.decimals(0, MOST, places=1))


@given(st.lists(TERMS, min_size=1, max_size=4), st.data(), st.integers(0, MOST))
def test_no_nearer_amount_passes(terms: list[tuple[str, Decimal]], data: st.DataObject, own: int) -> None:
    """Whatever is compared, trying all amounts finds the same one."""
    when = f"amount {terms[0][0]} {terms[0][1]}"
    for sign, limit in terms[1:]:
        when = f"({when}) {data.draw(st.sampled_from(['and', 'or']))} amount {sign} {limit}"
    rules = rules_of(when)

    def fires(amount: int) -> bool:
        return rules.judge(transaction(amount=Decimal(amount), currency="JPY")).verdict is not None

    if not fires(own):
        return
    passing = [amount for amount in range(MOST + 2) if not fires(amount)]
    nearest = min(passing, key=lambda amount: (abs(amount - own), amount), default=None)
    assert told(rules, str(own), "JPY") == (None if nearest is None else str(nearest))


def test_an_answer_that_is_kept_is_for_its_currency_and_for_larger_amounts_alone() -> None:
    """The first transaction does not decide about the next."""
    rules = rules_of("amount >= 900 or amount <= 10")
    assert [told(rules, amount) for amount in ("2000.00", "980.00", "10.00", "0.00", "901.00")] == [
        "899.99",
        "899.99",
        "10.01",
        "10.01",
        "899.99",
    ]
    assert told(rules, "2000", "JPY") == "899"
