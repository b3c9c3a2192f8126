"""A YAML or JSON document as a tree that knows where everything stands. A scalar is a text; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

from detector.rules.problems import Problem

MAX_CHARACTERS: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 20
# The parser in C where it is: wheels have it, and it takes a seventh of the time.
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(Exception):
    """A text is no document that we read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.told)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value, as text. ``places`` are line and column of every line of it, where they are known."""

    text: str
    line: int
    column: int
    quoted: bool
    lines: tuple[tuple[int, int], ...] = ()

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character of the text; those of its begin where YAML has folded it."""
        if not self.lines:
            return self.line, self.column
        before = self.text[:offset]
        number = before.count("\n")
        line, column = self.lines[min(number, len(self.lines) - 1)]
        return line, column + len(before) - (before.rfind("\n") + 1)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Members by name; ``names`` has each name's own place."""

    members: dict[str, Node]
    names: dict[str, Scalar]
    line: int
    column: int


Node = Scalar | Sequence | Mapping


def read_document(text: str) -> Node:
    """Return the document in a text.

    Raises:
        DocumentError: it is no YAML, too large, too deep, repeats a name, or uses anchors.

    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(Problem(1, 1, f"a file of rules has at most {MAX_CHARACTERS:,} characters"))
    # JSON may be indented by tabs, YAML may not; within JSON's strings there are none.
    if text.lstrip()[:1] in {"{", "["}:
        text = text.replace("\t", " ")
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentError(Problem(line, column, f"this is no YAML: {error.problem or error.context}")) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(Problem(1, 1, f"this is no YAML: {type(error).__name__}: {error}")) from None
    if root is None:
        raise DocumentError(Problem(1, 1, "the file is empty: rules: was expected"))
    return _Reading(text.splitlines()).node(root, 0)


class _Reading:
    """Makes our nodes of PyYAML's."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._seen: set[int] = set()

    def node(self, found: yaml.Node, depth: int) -> Node:
        line, column = found.start_mark.line + 1, found.start_mark.column + 1
        if depth > MAX_DEPTH:
            raise DocumentError(Problem(line, column, f"nested more than {MAX_DEPTH} deep"))
        if id(found) in self._seen:
            raise DocumentError(Problem(line, column, "anchors and aliases are not read: write it twice"))
        self._seen.add(id(found))
        if isinstance(found, yaml.ScalarNode):
            return self._scalar(found)
        if isinstance(found, yaml.SequenceNode):
            return Sequence(tuple(self.node(one, depth + 1) for one in found.value), line, column)
        members: dict[str, Node] = {}
        names: dict[str, Scalar] = {}
        for key, value in found.value:
            name = self.node(key, depth + 1)
            if not isinstance(name, Scalar):
                raise DocumentError(Problem(line, column, "a name was expected before the colon"))
            if name.text in members:
                raise DocumentError(Problem(name.line, name.column, f"{name.text} stands here a second time"))
            members[name.text], names[name.text] = self.node(value, depth + 1), name
        return Mapping(members, names, line, column)

    def _scalar(self, found: yaml.ScalarNode) -> Scalar:
        begin, end = found.start_mark, found.end_mark
        line, column = begin.line + 1, begin.column + 1
        quoted = found.style in {"'", '"'}
        lines: tuple[tuple[int, int], ...] = ()
        if found.style == "|":
            lines = tuple(
                (number + 1, len(self._lines[number]) - len(self._lines[number].lstrip()) + 1)
                for number in range(begin.line + 1, min(len(self._lines), begin.line + 1 + found.value.count("\n") + 1))
            )
        elif begin.line == end.line and "\\" not in found.value:
            lines = ((line, column + quoted),)
        return Scalar(found.value, line, column, quoted, lines)
