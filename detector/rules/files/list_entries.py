"""The entries of a list: values, each with the moment until which it holds; inline, or a line each of a file beside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from detector.rules.files.document import Mapping, Node, Scalar, Sequence
from detector.rules.files.members import Members, Wrong, text
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    ReadFile = Callable[[str], str]

MAX_ENTRIES: Final = 1_000_000
MAX_VALUE: Final = 256  # characters

Entries = dict[str, int | None]


def inline(members: Members, node: Node) -> Entries:
    """Return the entries of a list that is written out: values, or ``value:`` with ``until:``."""
    if not isinstance(node, Sequence):
        raise Wrong("a list of values was expected")
    found: Entries = {}
    for item in node.items:
        try:
            value, until = _entry(members, item)
            _add(found, value, until)
        except Wrong as wrong:
            members.problem(item, str(wrong))
    return found


def of_file(node: Node, read_file: ReadFile) -> Entries:
    """Return the entries of a file: a value a line, and behind a comma until when it holds; # begins a comment."""
    name = text(node)
    found: Entries = {}
    for number, line in enumerate(read_file(name).splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        value, comma, until = content.partition(",")
        try:
            _add(found, value.strip(), _moment(until.strip()) if comma else None)
        except Wrong as wrong:
            raise Wrong(f"{name} line {number}: {wrong}") from None
    return found


def _entry(members: Members, item: Node) -> tuple[str, int | None]:
    if isinstance(item, Scalar):
        return item.text, None
    if not isinstance(item, Mapping):
        raise Wrong("a value was expected, or value: and until:")
    inner = Members(item, members.problems, members.rule)
    value = inner.need("value", text, "?")
    until = inner.take("until", lambda node: _moment(text(node)), None)
    inner.check_unknown()
    return value, until


def _add(found: Entries, value: str, until: int | None) -> None:
    if not 0 < len(value) <= MAX_VALUE:
        raise Wrong(f"a value has 1 to {MAX_VALUE} characters")
    if value in found:
        raise Wrong(f"{value!r} stands here a second time")
    if len(found) >= MAX_ENTRIES:
        raise Wrong(f"a list has at most {MAX_ENTRIES:,} entries")
    found[value] = until


def _moment(written: str) -> int:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Wrong(f"a moment with its offset such as 2026-12-31T23:59:59Z was expected, this is {written[:40]!r}")
    return microseconds_of(moment)
