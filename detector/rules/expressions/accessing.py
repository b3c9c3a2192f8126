"""How generated text gets at a field or a member: without a call, where the value is what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import Code, bound, code
from detector.rules.expressions.kinds import Kind

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
_TYPES: Final = {Kind.TEXT: "str", Kind.TRUTH: "bool"}


def access(path: str, kind: Kind, get: Getter) -> Code:
    """Return what gets a field, or a member of a kind; ``get`` does so in all cases, and has the errors."""
    if path in _FIELDS:
        return code(_FIELDS[path], bound(get))
    if kind in _TYPES and "." not in path:
        text = f"(x if type(x := t.attributes.get({{}})) is {_TYPES[kind]} else {{}}(s))"
        return code(text, bound(path), bound(get))
    return code("{}(s)", bound(get))
