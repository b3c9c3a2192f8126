"""Members of a rule about the past: its key, windows and sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.expressions.kinds import US_PER, WINDOW_EXPECTED, duration_us, window_us
from detector.rules.files.document import Node, Scalar, Sequence
from detector.rules.files.members import Wrong, scalar

if TYPE_CHECKING:
    from detector.rules.files.members import Members

MAX_KEY: Final = 4  # names
MAX_STEPS: Final = 8
MAX_LATENESS_US: Final = 30 * US_PER["d"]


def names(node: Node) -> tuple[Scalar, ...]:
    """Return a name, or several of them, each only once."""
    found = (node,) if isinstance(node, Scalar) else _scalars(node)
    if not 1 <= len(found) <= MAX_KEY or len({one.text for one in found}) < len(found):
        raise Wrong(f"a field or a member was expected, or a list of up to {MAX_KEY} different ones")
    return found


def steps(node: Node) -> tuple[Scalar, ...]:
    """Return the steps of a sequence."""
    found = _scalars(node)
    if not 2 <= len(found) <= MAX_STEPS:  # noqa: PLR2004 (a sequence has two at least)
        raise Wrong(f"a list of 2 to {MAX_STEPS} conditions was expected, in the order in which they happen")
    return found


def window(node: Node) -> int:
    """Return the width of a window, in microseconds."""
    found = window_us(scalar(node).text)
    if found is None:
        raise Wrong(f"{WINDOW_EXPECTED}, this is {scalar(node).text[:80]!r}")
    return found


def lateness(node: Node) -> int:
    """Return how late a transaction may come, in microseconds."""
    found = duration_us(scalar(node).text)
    if found is None or found > MAX_LATENESS_US:
        raise Wrong(f"a duration from 0s to 30d was expected, this is {scalar(node).text[:80]!r}")
    return found


def check_behaviour(members: Members) -> None:
    """Note what is missing beside what is there."""
    if members.has("sequence"):
        for name, told in (("key", "such as key: source"), ("within", "such as within: 10m")):
            if not members.has(name):
                members.problem(members.mapping.names["sequence"], f"sequence: needs {name}: as well, {told}")
    elif members.has("within"):
        members.problem(members.mapping.names["within"], "within: belongs to sequence: alone; a rule has window:")


def _scalars(node: Node) -> tuple[Scalar, ...]:
    if not isinstance(node, Sequence):
        raise Wrong("a list was expected")
    return tuple(scalar(item) for item in node.items)
