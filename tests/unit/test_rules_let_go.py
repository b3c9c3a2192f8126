"""Rules that are not in force any more go from memory, with all that they remember."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from decimal import Decimal
from weakref import ref

from detector.rules.loading import load_rules
from detector.rules.windows.engine import Windows
from detector.rules.windows.reading import Reader
from detector.rules.windows.view import View
from pipeline.contracts.messages import Transaction

RULES = """
members: {country: text}
rules:
  - {id: count, key: source, when: 'count("1h") > 2 and sum(amount, "1h") > 5', currency: any}
  - {id: usual, key: source, when: 'amount > 2 * avg(amount, "7d", where=country == "DE")', currency: any}
  - {id: steps, key: source, within: 1h, currency: any, on_error: hit, sequence: [amount < 1, amount > 1000]}
  - {id: pattern, when: 'matches(target, "^b") and country in ["DE"]', message: "to {target}"}
"""


def _looking_back() -> int:
    gc.collect()
    return sum(isinstance(one, (Reader, View, Windows)) for one in gc.get_objects())


def test_rules_that_nobody_has_any_more_are_let_go() -> None:
    """Functions are made of them, and of what they look back at: nothing keeps either."""
    before = _looking_back()
    rules = load_rules("some.yaml", RULES)
    one = Transaction(
        "id", "a", "b", Decimal("5.00"), "EUR", datetime(2026, 1, 1, tzinfo=UTC), "TRANSFER", {"country": "DE"}
    )
    for _ in range(4):
        rules.judge(one)
    rules.committed()
    assert _looking_back() > before
    gone = ref(rules)
    del rules
    assert _looking_back() == before
    assert gone() is None
