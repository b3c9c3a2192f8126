"""Calculations: sums, differences, products, quotients and what remains, of numbers, money and time."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import Code, bound, code
from detector.rules.expressions.kinds import ARITHMETIC, Kind
from detector.rules.expressions.parts import BROKEN, NUMERIC, Part, constant_part

if TYPE_CHECKING:
    from detector.rules.expressions.parts import Making

_CALCULATE: Final[dict[type[ast.operator], Code]] = {
    ast.Add: bound(ARITHMETIC.add),
    ast.Sub: bound(ARITHMETIC.subtract),
    ast.Mult: bound(ARITHMETIC.multiply),
    ast.Div: bound(ARITHMETIC.divide),
    ast.Mod: bound(ARITHMETIC.remainder),
}
_MINUS: Final = bound(ARITHMETIC.minus)
_BOTH: Final = (Kind.MONEY, Kind.MONEY)
_FIRST: Final = (Kind.MONEY, Kind.NUMBER)
_SECOND: Final = (Kind.NUMBER, Kind.MONEY)
# In a sum or a difference, a number beside money is an amount of the same currency.
_SUM: Final = {_BOTH: Kind.MONEY, _FIRST: Kind.MONEY, _SECOND: Kind.MONEY}
_WITH_MONEY: Final[dict[type[ast.operator], dict[tuple[Kind, Kind], Kind]]] = {
    ast.Add: _SUM,
    ast.Sub: _SUM,
    ast.Mult: {_FIRST: Kind.MONEY, _SECOND: Kind.MONEY},
    ast.Div: {_BOTH: Kind.NUMBER, _FIRST: Kind.MONEY},
    ast.Mod: {_BOTH: Kind.MONEY, _FIRST: Kind.MONEY},
}
_SIGNS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip


def negative(making: Making, node: ast.UnaryOp) -> Part:
    """Make ``not x`` and ``-x``."""
    inner = making.part(node.operand)
    if inner.kind is None:
        return inner
    if isinstance(node.op, ast.Not):
        if inner.kind is not Kind.TRUTH:
            return making.fault(node.operand, f"not takes true or false, this is {inner.told}")
        return Part(Kind.TRUTH, code("(not {})", inner.code))
    if inner.kind not in NUMERIC:
        return making.fault(node.operand, f"- takes a number, this is {inner.told}")
    if inner.constant is not None:
        return constant_part(inner.kind, ARITHMETIC.minus(inner.constant))
    return Part(inner.kind, code("{}({})", _MINUS, inner.code))


def arithmetic(making: Making, node: ast.BinOp) -> Part:
    """Make a sum, a difference, a product, a quotient or what remains of it."""
    left, right = making.part(node.left), making.part(node.right)
    if left.kind is None or right.kind is None:
        return BROKEN
    kind = _result(type(node.op), left.kind, right.kind)
    if kind is None:
        told = f"{left.told} {_SIGNS[type(node.op)]} {right.told} has no meaning"
        return making.fault(node, told)
    if Kind.MOMENT in {left.kind, right.kind} or left.kind is Kind.DURATION:
        return Part(kind, code("({} - {})", left.code, right.code))
    if kind is Kind.MONEY and isinstance(node.op, ast.Add | ast.Sub | ast.Mod) and left.kind is not right.kind:
        making.mixes_money = True
    return Part(kind, code("{}({}, {})", _CALCULATE[type(node.op)], left.code, right.code))


def _result(sign: type[ast.operator], left: Kind, right: Kind) -> Kind | None:
    """Return the kind of a calculation, or None where it has no meaning."""
    if left not in NUMERIC or right not in NUMERIC:
        if sign is ast.Sub and left is right and left in {Kind.MOMENT, Kind.DURATION}:
            return Kind.DURATION
        return None
    both = (left, right)
    if both == (Kind.NUMBER, Kind.NUMBER):
        return Kind.NUMBER
    return _WITH_MONEY[sign].get(both)
