"""What an expression compares the amount with: where its answer can change as the amount does, all else the same."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import value_of

if TYPE_CHECKING:
    from detector.rules.expressions.code import Code
    from detector.rules.expressions.parts import Value

AMOUNT: Final = "amount"


class Bounds:
    """The comparisons of an expression on its way; what stands within its aggregates notes its amounts here as well.

    Where every mention of the amount is one side of a comparison, the answer is the same between two neighbours among
    the other sides, since none of them depends on it.
    """

    def __init__(self) -> None:
        self._values: list[Code] = []
        self._mentions: set[int] = set()  # nodes of the tree
        self._compared: set[int] = set()

    def mentioned(self, node: ast.expr) -> None:
        """Note that a name stands for the amount."""
        self._mentions.add(id(node))

    def compared(self, node: ast.expr, other: Code) -> None:
        """Note what the amount is compared with, where a node is the amount."""
        if isinstance(node, ast.Name) and node.id == AMOUNT:
            self._compared.add(id(node))
            self._values.append(other)

    def found(self) -> tuple[Value, ...] | None:
        """Return what the amount is compared with; None where it stands for anything else, too."""
        return tuple(map(value_of, self._values)) if self._mentions <= self._compared else None
