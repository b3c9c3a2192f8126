"""How generated text gets at a field or a member: without a call, where the value is what it should be."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import Code, bound, code
from detector.rules.expressions.kinds import Kind
from detector.rules.expressions.names import DIGITS

if TYPE_CHECKING:
    from detector.rules.expressions.names import Getter

_FIELDS: Final = {
    "id": "t.id",
    "source": "(t.source if t.source is not None else {}(s))",
    "target": "t.target",
    "account": "(t.target if t.source is None else t.source)",
    "amount": "t.amount",
    "currency": "t.currency",
    "timestamp": "(s.time_us if s.time_us is not None else {}(s))",
    "method": "t.method",
}
# Whether a value is what its kind should be; of numbers, those for which that is told at a glance.
_CHECKS: Final = {
    Kind.TEXT: code("is str"),
    Kind.TRUTH: code("is bool"),
    Kind.NUMBER: code(f"is {{}} and x.is_finite() and -{DIGITS} < x.adjusted() < {DIGITS}", bound(Decimal)),
}


def access(path: str, kind: Kind, get: Getter) -> Code:
    """Return what gets a field, or a member of a kind; ``get`` does so in all cases, and has the errors."""
    if path in _FIELDS:
        return code(_FIELDS[path], bound(get))
    if kind in _CHECKS and "." not in path:
        return code("(x if type(x := t.attributes.get({})) {} else {}(s))", bound(path), _CHECKS[kind], bound(get))
    return code("{}(s)", bound(get))
