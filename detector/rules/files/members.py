"""Takes members out of a mapping, each as what it has to be, and notes what is wrong: all of it."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeVar

from detector.rules.files.document import Mapping, Node, Scalar, Sequence
from detector.rules.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class Wrong(Exception):  # noqa: N818 (it is caught where it is raised for, and never seen elsewhere)
    """What was expected instead."""


class Members:
    """The members of one mapping. What is never taken is unknown, and a problem of its own."""

    def __init__(self, mapping: Mapping, problems: list[Problem], rule: str = "") -> None:
        self.mapping = mapping
        self.rule = rule
        self.problems = problems
        self._taken: set[str] = set()

    def problem(self, node: Node, told: str) -> None:
        """Note what is wrong, at a node."""
        self.problems.append(Problem(node.line, node.column, told, self.rule))

    def has(self, name: str) -> bool:
        """Tell whether there is such a member."""
        return name in self.mapping.members

    def take(self, name: str, convert: Callable[[Node], T], default: T) -> T:
        """Return a member converted; the default where it is not there, or is not what it has to be."""
        self._taken.add(name)
        node = self.mapping.members.get(name)
        if node is None:
            return default
        try:
            return convert(node)
        except Wrong as wrong:
            self.problem(node, f"{name}: {wrong}")
            return default

    def need(self, name: str, convert: Callable[[Node], T], default: T) -> T:
        """Return a member that must be there, converted; ``default`` is returned where something is noted."""
        if not self.has(name):
            self.problems.append(Problem(self.mapping.line, self.mapping.column, f"{name}: is missing", self.rule))
        return self.take(name, convert, default)

    def check_unknown(self) -> None:
        """Note the members that nobody has asked for."""
        for name, at in self.mapping.names.items():
            if name not in self._taken:
                close = get_close_matches(name, self._taken, n=1)
                told = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(self._taken))}"
                self.problem(at, f"there is no {name}; {told}")


def scalar(node: Node) -> Scalar:
    """Return a node that is a value."""
    if not isinstance(node, Scalar):
        raise Wrong("a value was expected")
    return node


def text(node: Node) -> str:
    """Return a text."""
    return scalar(node).text


def words(node: Node) -> tuple[str, ...]:
    """Return one text, or several of them."""
    if isinstance(node, Scalar):
        return (node.text,)
    if not isinstance(node, Sequence):
        raise Wrong("a list was expected")
    return tuple(text(item) for item in node.items)


def one_of(allowed: Iterable[str]) -> Callable[[Node], str]:
    """Return what takes one word of several."""
    known = tuple(allowed)

    def convert(node: Node) -> str:
        if text(node) not in known:
            raise Wrong(f"one of {', '.join(known)} was expected, this is {text(node)!r}")
        return text(node)

    return convert


def matching(pattern: str, told: str) -> Callable[[Node], str]:
    """Return what takes a text of a form."""
    form = re.compile(pattern)

    def convert(node: Node) -> str:
        if not form.fullmatch(text(node)):
            raise Wrong(f"{told} was expected, this is {text(node)[:80]!r}")
        return text(node)

    return convert


def number(least: int, most: int, *, decimals: int = 0) -> Callable[[Node], Decimal]:
    """Return what takes a number between two bounds, with at most so many decimals."""

    def convert(node: Node) -> Decimal:
        found = scalar(node)
        whole = "a whole number" if not decimals else f"a number with at most {decimals} decimals"
        told = f"{whole} from {least} to {most} was expected, this is {found.text[:80]!r}"
        if found.quoted or not NUMBER.fullmatch(found.text):
            raise Wrong(told)
        value = Decimal(found.text)
        if not least <= value <= most or value != round(value, decimals):
            raise Wrong(told)
        return value

    return convert
