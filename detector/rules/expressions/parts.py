"""The parts of an expression while it is made, and what is found wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from detector.rules.expressions.bounds import Bounds
from detector.rules.expressions.code import Code, bound
from detector.rules.expressions.functions import functions_in
from detector.rules.expressions.grammar import offset_of
from detector.rules.expressions.kinds import Kind

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from detector.rules.expressions.names import Names
    from detector.rules.subject import Subject
    from detector.rules.windows.history import History

    Value = Callable[[Subject], Any]
    Reaches = Callable[[int], tuple[Code, ...]]
    Makers = Mapping[type[ast.expr], Callable[["Making", Any], "Part"]]

NUMERIC: Final = (Kind.NUMBER, Kind.MONEY)


class Fault(NamedTuple):
    """What is wrong in an expression, ``offset`` characters behind its begin."""

    offset: int
    told: str


class Part(NamedTuple):
    """A part of an expression. ``kind`` is None where something was wrong within; ``constant`` where it is one.

    ``reaches`` tells what holds wherever it is at least a whole number above 0, got with less work, the least first.
    Where it has no value, all of that holds.
    """

    kind: Kind | None
    code: Code
    constant: Any = None
    reaches: Reaches | None = None

    @property
    def told(self) -> str:
        """Return what it is, for a sentence."""
        return "nothing" if self.kind is None else self.kind.value


def constant_part(kind: Kind, value: object) -> Part:
    """Return a part that is always the same."""
    if type(value) is bool:
        return Part(kind, Code(repr(value), {}), value)
    return Part(kind, bound(value), value)


# Stands for what could not be made: nothing more is said of it, and nothing that holds it is ever evaluated.
BROKEN: Final = Part(None, Code("None", {}))


class Making:
    """One expression on its way from a tree to a function, from the leaves up."""

    def __init__(self, text: str, names: Names, zone: tzinfo, makers: Makers, history: History | None = None) -> None:
        """Begin an expression; ``history`` is what aggregates look at, None where there are none."""
        self.text = text
        self.names = names
        self.history = history
        self.functions = functions_in(zone)
        self.faults: list[Fault] = []
        self.within_aggregate = False
        self.uses: dict[str, Value] = {}
        self.kinds: dict[str, Kind] = {}
        self.mixes_money = False
        self.bounds = Bounds()
        self._makers = makers
        self._zone = zone
        self._locals = 0

    def within(self) -> Making:
        """Return the making of what stands within an aggregate, which is about other transactions than this one."""
        inner = Making(self.text, self.names, self._zone, self._makers)
        inner.faults, inner.bounds, inner.within_aggregate = self.faults, self.bounds, True
        return inner

    def part(self, node: ast.expr) -> Part:
        """Return a part of the expression."""
        return self._makers[type(node)](self, node)

    def local(self) -> Code:
        """Return a name for what is used twice and evaluated once."""
        self._locals += 1
        return Code(f"m{self._locals}", {})

    def fault(self, node: ast.AST, told: str) -> Part:
        """Note what is wrong, and return a part of which nothing more is said."""
        self.faults.append(Fault(offset_of(node, self.text), told))
        return BROKEN
