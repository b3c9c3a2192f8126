"""Makes what names of a function of ours stand for its constants, which it gets at without looking for them.

A name that a function does not set itself is looked for in a dictionary, each time, and takes six times the room in its
code: with a few hundred of them that is a tenth of all that the rules of a file cost.
"""

from __future__ import annotations

import ast
from types import CodeType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lines of a function. Beyond, as of a file with thousands of rules, it would take seconds to make.
MOST_LINES: Final = 5_000


def compiled(text: str, name: str, held: Mapping[str, object]) -> CodeType:
    """Return the code of a module of ours that defines one function; ``held`` are the values that names stand for.

    Not all of them become constants: whoever runs it has to have them as names, too. The collector does not look into
    code: nothing that becomes a constant may refer to the function, or neither would ever go.
    """
    tree = ast.parse(text, f"<{name}>")
    marked = _Marked(tree, held)
    made: CodeType = compile(ast.fix_missing_locations(marked.visit(tree)), f"<{name}>", "exec")
    return marked.filled(made)


class _Marked(ast.NodeTransformer):
    """Puts marks in the place of names, and then values in the place of marks.

    Names stay where they are set, or compared by identity: Python warns of constants there. So do those of truths and
    of nothing, by which it would leave out what never happens.
    """

    def __init__(self, tree: ast.AST, held: Mapping[str, object]) -> None:
        self._held = dict(held)
        self._values: dict[object, object] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._held.pop(node.id, None)
            elif isinstance(node, ast.arg):
                self._held.pop(node.arg, None)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                self._held.pop(node.name, None)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._held.get(node.id)
        if value is None or type(value) is bool:
            return node
        if type(value) is int:
            return ast.Constant(value)
        mark = f"\0{node.id}"  # no text of ours is like it, and none of anybody else is in there
        self._values[mark] = value
        return ast.Constant(mark)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Constant):
            # Python warns of a constant that is called, but not of one of two; which one is known when it is compiled.
            node.func = ast.IfExp(ast.Constant(1), node.func, ast.Constant(None))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if any(isinstance(sign, ast.Is | ast.IsNot) for sign in node.ops):
            node.left = node.left if isinstance(node.left, ast.Name) else self.visit(node.left)
            node.comparators = [one if isinstance(one, ast.Name) else self.visit(one) for one in node.comparators]
            return node
        return self.generic_visit(node)  # type: ignore[return-value] # as above

    def filled(self, made: CodeType) -> CodeType:
        """Return code with values in the place of marks, also in what is defined within."""
        return made.replace(co_consts=tuple(map(self._filled, made.co_consts)))

    def _filled(self, constant: object) -> object:
        if isinstance(constant, CodeType):
            return self.filled(constant)
        if type(constant) is tuple:
            return tuple(map(self._filled, constant))
        return self._values.get(constant, constant) if type(constant) is str else constant
