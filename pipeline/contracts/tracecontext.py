"""The context of a trace as it travels in the header ``traceparent`` of a record (W3C Trace Context, version 00). Pure.

Anybody may send one: what is not exactly of this form is no context, and never an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts.headers import TRACE, Header, find

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED: Final = 0x01
_VERSION: Final = "00"
_NONE: Final = "ff"
MAX_CHARACTERS: Final = 200


class TraceContext(NamedTuple):
    """Of which trace something is a part, and behind which of its spans."""

    trace_id: int
    span_id: int

    def encode(self) -> str:
        """Return it as a header's value; what carries it is sampled."""
        return f"{_VERSION}-{self.trace_id:032x}-{self.span_id:016x}-01"

    def header(self) -> Header:
        """Return it as the header of a record."""
        return TRACE.name, self.encode().encode()


def decoded(text: str) -> TraceContext | None:
    """Return the context in a header's value, where it is sampled; None where it is not, or is none."""
    found = _FORM.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if found is None or found[1] == _NONE or (found[1] == _VERSION and found[5]):
        return None
    context = TraceContext(int(found[2], 16), int(found[3], 16))
    sampled = int(found[4], 16) & _SAMPLED
    return context if sampled and context.trace_id and context.span_id else None


def context_in(headers: Iterable[Header]) -> TraceContext | None:
    """Return the context that a record carries, where it is sampled."""
    value = find(headers, TRACE)
    return None if value is None else decoded(value.decode(errors="replace"))
