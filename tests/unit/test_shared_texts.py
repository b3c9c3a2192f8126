"""Texts that are remembered of transactions: one object for all that are equal, since each record brings its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.rules.loading import load_rules
from detector.rules.windows.sharing import LONGEST, MOST_TEXTS, TEXTS, shared
from tests.unit.samples import transaction

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

RULES = """members: {country: text}
rules:
  - {id: moved, key: source, window: 7d, when: country != previous(country)}
  - {id: much, key: source, window: 7d, when: sum(amount) > 1000000, currency: EUR}
"""


def again(text: str) -> str:
    """Return another object that is the same text."""
    return "".join(text) if len(text) < 2 else text[:1] + text[1:]


def remembered(rules: RuleSet) -> list[str]:
    """Return the countries and currencies that are remembered, of all values."""
    found: list[str] = []
    (values,) = rules.stages[0].windows.partitions[0].values
    for kept in values.values():
        for series in kept.series:
            if series is not None:
                found += [*(series.texts or ()), *([series.currency] if series.currency else [])]
    return found


def seen() -> RuleSet:
    """Return rules that have seen two accounts pay from one country, each record with texts of its own."""
    rules = load_rules("r", RULES)
    for number in range(4):
        fields = {"source": f"account-{number % 2}", "currency": again("EUR"), "attributes": {"country": again("DE")}}
        rules.observe(transaction(**fields), 0, 0)
    rules.committed()
    return rules


def test_equal_texts_are_remembered_once() -> None:
    """Four transactions of two accounts have one object for their country, and one for their currency."""
    found = remembered(seen())
    assert sorted(found) == ["DE"] * 4 + ["EUR"] * 2
    assert len({id(text) for text in found}) == 2


def test_they_are_remembered_once_behind_a_snapshot() -> None:
    """What was packed and unpacked shares its texts as well."""
    before, after = seen(), load_rules("r", RULES)
    for bucket in before.stages[0].windows.partitions[0].buckets:
        after.stages[0].windows.unpack(0, bucket, before.stages[0].windows.pack(0, bucket))
    found = remembered(after)
    assert sorted(found) == ["DE"] * 4 + ["EUR"] * 2
    assert len({id(text) for text in found}) == 2


def test_what_is_shared_is_bounded() -> None:
    """Whoever writes transactions chooses their texts: long ones are not kept, and of others not too many."""
    TEXTS.clear()
    for length in (LONGEST, LONGEST + 1):
        assert shared("x" * length) == "x" * length
    assert list(TEXTS) == ["x" * LONGEST]
    for number in range(MOST_TEXTS + 1):
        assert shared(str(number)) == str(number)
    assert len(TEXTS) <= MOST_TEXTS
