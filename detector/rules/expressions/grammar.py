"""What may be written: the expressions of Python without attributes of objects, indices, lambdas, loops and the like.

A text becomes a tree of Python's own ``ast``, of which only the nodes below are let through. Its size and depth are
bounded before anything is made of it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Final

MAX_CHARACTERS: Final = 2_000
MAX_NODES: Final = 300
MAX_DEPTH: Final = 40

_BREAKS: Final = re.compile(r"[\r\n\t\f\v]")

_ALLOWED: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Load, ast.Constant, ast.List, ast.Tuple,
)  # fmt: skip

_INSTEAD: Final[dict[type[ast.AST], str]] = {
    ast.Pow: "there are no powers",
    ast.FloorDiv: "there is no // , only /",
    ast.Is: "use == instead of is",
    ast.IsNot: "use != instead of is not",
    ast.IfExp: "there is no if ... else: use and, or",
    ast.BitAnd: "use and instead of &",
    ast.BitOr: "use or instead of |",
    ast.Subscript: "there are no indices: a nested member is written with a point, as in card.country",
    ast.Lambda: "there are no functions of one's own",
    ast.JoinedStr: "there are no f-strings",
    ast.NamedExpr: "nothing can be assigned",
}


class NotAllowedError(Exception):
    """Something may not be written; ``offset`` is how many characters of the text stand before it."""

    def __init__(self, told: str, offset: int) -> None:
        super().__init__(told)
        self.told = told
        self.offset = offset


def parse(text: str) -> ast.expr:
    """Return the tree of an expression.

    Raises:
        NotAllowedError: it is none, is too large, or holds something that may not be written.

    """
    if len(text) > MAX_CHARACTERS:
        raise NotAllowedError(f"an expression has at most {MAX_CHARACTERS} characters, this one {len(text)}", 0)
    if not text.strip():
        raise NotAllowedError("an expression was expected, such as amount >= 900", 0)
    source = one_line(text)
    begin = len(source) - len(source.lstrip(" "))
    try:
        tree = ast.parse(source[begin:], mode="eval")
    except SyntaxError as error:
        column = error.offset or len(source) + 1  # none where the text ends too early
        raise NotAllowedError(_told(error), min(begin + column - 1, len(text))) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotAllowedError(f"this is no expression: {type(error).__name__}", 0) from None
    _check_tokens(source[begin:], begin)
    _check(tree, text)
    return tree.body


def one_line(text: str) -> str:
    """Return an expression of several lines as one, every character in its place."""
    return _BREAKS.sub(" ", text)


def offset_of(node: ast.AST, text: str) -> int:
    """Return how many characters of the text stand before a node."""
    return _characters(text, getattr(node, "col_offset", 0))


def source_of(node: ast.expr, text: str) -> str:
    """Return a node as it is written."""
    return one_line(text)[offset_of(node, text) : _characters(text, node.end_col_offset or 0)]


def _characters(text: str, column: int) -> int:
    """Return where a column of Python's tree, in bytes and behind the blanks of the begin, is in the text."""
    source = one_line(text)
    begin = len(source) - len(source.lstrip(" "))
    return begin + len(source[begin:].encode()[:column].decode(errors="ignore"))


def _check_tokens(source: str, begin: int) -> None:
    """Refuse what leaves no trace in the tree: a comment would hide what stands behind it in another line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            raise NotAllowedError("there are no comments within an expression", begin + token.start[1])
        if token.type == tokenize.STRING and token.string.lstrip("rRuUbB")[:3] in {'"""', "'''"}:
            raise NotAllowedError("a text stands between single or double quotes", begin + token.start[1])


def _told(error: SyntaxError) -> str:
    return f"this is no expression: {error.msg}"


def _check(tree: ast.AST, text: str) -> None:
    level, count, depth = [tree], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise NotAllowedError(f"an expression has at most {MAX_NODES} parts, nested {MAX_DEPTH} deep", 0)
        for node in level:
            if not isinstance(node, _ALLOWED):
                told = _INSTEAD.get(type(node), f"{type(node).__name__} is not part of the language")
                raise NotAllowedError(told, offset_of(node, text))
        level = [inner for node in level for inner in ast.iter_child_nodes(node)]
