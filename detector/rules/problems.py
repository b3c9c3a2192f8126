"""What is wrong with a file of rules: all of it, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.rules.expressions.parts import Fault
    from detector.rules.files.document import Scalar


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A sentence that says what was expected, at a line and column (from 1) of a file, in a rule where it is in one."""

    line: int
    column: int
    told: str
    rule: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it for programs."""
        return {"line": self.line, "column": self.column, "rule": self.rule or None, "told": self.told}

    def in_file(self, name: str) -> str:
        """Return it as compilers tell theirs: ``file:line:column: rule 'id': sentence``."""
        within = f"rule {self.rule!r}: " if self.rule else ""
        return f"{name}:{self.line}:{self.column}: {within}{self.told}"


def placed(faults: list[Fault], scalar: Scalar, rule: str) -> list[Problem]:
    """Return what is wrong with an expression of a file, at its places there."""
    return [Problem(*scalar.place(fault.offset), fault.told, rule) for fault in faults]


class RuleFileUnreadableError(Exception):
    """A file of rules, or one beside it, that cannot be read at all."""
