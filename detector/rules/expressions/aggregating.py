"""Calls of aggregates: ``sum(amount, "1h", where=method == "COIN")``; window and filter are else those of the rule."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from detector.rules.expressions.code import bound, code
from detector.rules.expressions.grammar import source_of
from detector.rules.expressions.kinds import WINDOW_EXPECTED, Kind, window_us
from detector.rules.expressions.parts import BROKEN, Part

if TYPE_CHECKING:
    from detector.rules.expressions.aggregates import Aggregate
    from detector.rules.expressions.code import Code
    from detector.rules.expressions.parts import Making


class Inner(NamedTuple):
    """An expression within an aggregate: of ``text``, which tells those apart that differ.

    It raises EvaluationError or DecimalException where there is none. ``mixes_money``: a number in it stands
    for money of the rule's currency.
    """

    text: str
    kind: Kind
    code: Code
    mixes_money: bool


class Asked(NamedTuple):
    """What an aggregate is asked for; what is None is the rule's. ``of`` is None for ``count`` alone."""

    function: str
    of: Inner | None
    where: Inner | None
    width_us: int | None


def aggregate(making: Making, node: ast.Call, called: Aggregate) -> Part:
    """Make the call of an aggregate; its value is what the history answers."""
    if making.within_aggregate:
        return making.fault(node, f"{called.name} cannot stand within another aggregate")
    history = making.history
    if history is None:
        return making.fault(node, f"{called.name} looks at a history: it stands in when: and message: alone")
    faults = len(making.faults)
    asked = Asked(called.name, _of(making, node, called), _where(making, node), _width(making, node, called))
    if not history.key_told:
        making.fault(node, f"{called.name} looks at the history of a key: add key: to the rule, such as key: source")
    if not _windows(node, called) and history.width_us is None:
        making.fault(node, f"{called.name} looks at a window: add window: to the rule, or name one: {called.told}")
    if len(making.faults) > faults:
        return BROKEN
    kind = called.gives or (asked.of.kind if asked.of is not None else Kind.NUMBER)
    text, answer = source_of(node, making.text), history.answer(asked)
    making.uses[text], making.kinds[text] = answer.value, kind
    if any(one is not None and one.mixes_money for one in (asked.of, asked.where)):
        making.mixes_money = True
    return Part(kind, code("{}(s)", bound(answer.value)), reaches=answer.reaches)


def _of(making: Making, node: ast.Call, called: Aggregate) -> Inner | None:
    takes = 1 if called.takes else 0
    if not takes <= len(node.args) <= takes + 1:
        making.fault(node, f"{called.name} takes {'a value' if takes else 'no value'} and a window: {called.told}")
        return None
    if not takes:
        return None
    found = _inner(making, node.args[0])
    if found is not None and found.kind not in called.takes:
        kinds = " or ".join(kind.value for kind in Kind if kind in called.takes)
        making.fault(node.args[0], f"{called.name} takes {kinds}, this is {found.kind.value}: {called.told}")
    return found


def _windows(node: ast.Call, called: Aggregate) -> list[ast.expr]:
    return node.args[1 if called.takes else 0 :]


def _width(making: Making, node: ast.Call, called: Aggregate) -> int | None:
    windows = _windows(node, called)
    if len(windows) != 1:
        return None  # the rule's; too many are told of already
    given: Any = windows[0].value if isinstance(windows[0], ast.Constant) else None
    width = window_us(given) if isinstance(given, str) else None
    if width is None:
        making.fault(windows[0], f"{WINDOW_EXPECTED}, in quotes, this is {source_of(windows[0], making.text)}")
    return width


def _where(making: Making, node: ast.Call) -> Inner | None:
    found = None
    for keyword in node.keywords:
        if keyword.arg != "where":
            making.fault(keyword, 'where= alone has a name: count(where=method == "COIN")')
            continue
        found = _inner(making, keyword.value)
        if found is not None and found.kind is not Kind.TRUTH:
            making.fault(keyword.value, f"where= takes true or false, this is {found.kind.value}")
    return found


def _inner(making: Making, node: ast.expr) -> Inner | None:
    """Return what stands within an aggregate; None where something is wrong with it, which is noted."""
    inner = making.within()
    part = inner.part(node)
    if part.kind is None:
        return None
    if not inner.uses:
        making.fault(node, "a field or a member was expected, or an expression of them")
        return None
    return Inner(source_of(node, making.text), part.kind, part.code, inner.mixes_money)
