"""Comparisons: of two values of one kind, in chains, and with lists."""

from __future__ import annotations

import ast
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import bound, code
from detector.rules.expressions.kinds import Kind, duration_us
from detector.rules.expressions.naming import items_of
from detector.rules.expressions.parts import BROKEN, NUMERIC, Part, constant_part

if TYPE_CHECKING:
    from detector.rules.expressions.code import Code
    from detector.rules.expressions.parts import Making

_ORDERED: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_LARGEST: Final = 10**15
_SIGNS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


def comparison(making: Making, node: ast.Compare) -> Part:
    """Make a comparison, or a chain of them: ``100 <= amount < 900``."""
    nodes = [node.left, *node.comparators]
    links: list[Code | None] = []
    left, again = making.part(node.left), None
    for at, sign in enumerate(node.ops):
        if isinstance(sign, ast.In | ast.NotIn):
            links.append(_membership(making, left, sign, nodes[at + 1], again))
            left, again = BROKEN, None
            if at + 1 < len(node.ops):
                making.fault(nodes[at + 1], "in ends a chain of comparisons")
            continue
        right = making.part(nodes[at + 1])
        # Both its neighbours look at the middle of a chain, which is evaluated once.
        middle = making.local() if at + 1 < len(node.ops) and right.constant is None else None
        links.append(_link(making, left, right, sign, nodes[at : at + 2], (again, middle)))
        left, again = right, middle
    found = [link for link in links if link is not None]
    if len(found) < len(links):
        return BROKEN
    template = "{}" if len(found) == 1 else "(" + " and ".join("{}" for _ in found) + ")"
    return Part(Kind.TRUTH, code(template, *found))


def _link(  # noqa: PLR0913, PLR0917 (two sides, and what is known of them)
    making: Making,
    left: Part,
    right: Part,
    sign: ast.cmpop,
    nodes: list[ast.expr],
    names: tuple[Code | None, Code | None],
) -> Code | None:
    """Make one comparison; ``names`` are those that the left side has already, and that the right side is to have."""
    if left.kind is None or right.kind is None:
        return None
    left, right = _as_duration(left, right), _as_duration(right, left)
    alike = left.kind is right.kind or {left.kind, right.kind} <= set(NUMERIC)
    if not alike:
        making.fault(nodes[0], f"{left.told} {_SIGNS[type(sign)]} {right.told} has no meaning")
        return None
    if type(sign) in _ORDERED and left.kind in {Kind.TEXT, Kind.TRUTH}:
        making.fault(nodes[0], f"{_SIGNS[type(sign)]} takes numbers, moments or durations, this is {left.told}")
        return None
    if {left.kind, right.kind} == set(NUMERIC):
        making.mixes_money = True
    if not making.within_aggregate:
        making.bounds.compared(nodes[0], right.code)
        making.bounds.compared(nodes[1], left.code)
    known, wanted = names
    second = right.code if wanted is None else code("({} := {})", wanted, right.code)
    link = code(f"({{}} {_SIGNS[type(sign)]} {{}})", known or left.code, second)
    before = [] if known or wanted else _beforehand(left, right, sign)
    return code("(" + "{} and " * len(before) + "{})", *before, link) if before else link


def _beforehand(left: Part, right: Part, sign: ast.cmpop) -> list[Code]:
    """Return what has to hold for a part to be above a constant, the quickest first."""
    if type(sign) not in _ORDERED:
        return []
    above, below = (left, right) if isinstance(sign, ast.Gt | ast.GtE) else (right, left)
    limit = below.constant
    # Far below what stands for a number that is not known.
    if above.reaches is None or not isinstance(limit, Decimal) or not 0 <= limit < _LARGEST:
        return []
    least = math.floor(limit) + 1 if isinstance(sign, ast.Gt | ast.Lt) else math.ceil(limit)
    return [*above.reaches(least)] if least > 0 else []


def _membership(making: Making, left: Part, sign: ast.cmpop, behind: ast.expr, again: Code | None) -> Code | None:
    items = items_of(making, behind)
    nodes = [behind] * len(items or ())
    if items is None:
        if not isinstance(behind, ast.List | ast.Tuple) or not behind.elts:
            making.fault(behind, 'behind in stands a list of values: method in ["CARD", "COIN"]')
            return None
        nodes = behind.elts
        items = [making.part(one) for one in nodes]
    wrong = left.kind is None
    for one, item in zip(nodes, items, strict=True):
        if item.kind is None or left.kind is None:
            wrong = True
        elif item.constant is None:
            wrong = True
            making.fault(one, "a list holds values that are written out")
        elif item.kind is not left.kind and {item.kind, left.kind} != set(NUMERIC):
            wrong = True
            making.fault(one, f"{left.told} was expected, this is {item.told}")
    if wrong:
        return None
    if left.kind is Kind.MONEY:
        making.mixes_money = True
    held = bound(frozenset(item.constant for item in items))
    return code(f"({{}} {'in' if isinstance(sign, ast.In) else 'not in'} {{}})", again or left.code, held)


def listed(making: Making, node: ast.List | ast.Tuple) -> Part:
    """Refuse a list that does not stand behind ``in``."""
    return making.fault(node, "a list stands behind in alone")


def _as_duration(part: Part, other: Part) -> Part:
    """Return a text beside a duration as the duration that it writes."""
    if other.kind is Kind.DURATION and type(part.constant) is str:
        found = duration_us(part.constant)
        if found is not None:
            return constant_part(Kind.DURATION, found)
    return part
