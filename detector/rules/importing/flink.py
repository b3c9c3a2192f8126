"""Rules of the public Flink fraud demo, as a file of ours.

There a rule is ``aggregatorFunctionType`` of ``aggregateFieldName`` over the last ``windowMinutes`` of everything with
the same ``groupingKeyNames``, beside a ``limit``. What ours cannot say is told, rule by rule, and left out.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import yaml

# How the demo names what every transaction of ours has.
FIELDS: Final = {"payeeId": "source", "beneficiaryId": "target", "paymentAmount": "amount", "transactionId": "id"}
COUNT: Final = "COUNT_FLINK"
COUNT_WITH_RESET: Final = "COUNT_WITH_RESET_FLINK"

_SIGNS: Final = {
    "EQUAL": "==", "NOT_EQUAL": "!=", "GREATER": ">", "GREATER_EQUAL": ">=", "LESS": "<", "LESS_EQUAL": "<=",
}  # fmt: skip
_FUNCTIONS: Final = {"SUM": "sum", "AVG": "avg", "MIN": "min", "MAX": "max"}
_MODES: Final = {"ACTIVE": "active", "PAUSE": "off"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MINUTES_OF: Final = (("w", 10_080), ("d", 1_440), ("h", 60), ("m", 1))


class FlinkRulesError(Exception):
    """A text holds no rules of the demo."""


class CannotSayError(Exception):
    """A rule of the demo has no equal here; the sentence says why."""


class Imported(NamedTuple):
    """``document`` is a file of rules; ``told`` says what is not in it, and what means something else, a line each."""

    document: str
    told: list[str]


def import_rules(text: str) -> Imported:
    """Return the rules of a JSON list, of one object, or of one object a line.

    Raises:
        FlinkRulesError: it is none of that.

    """
    told: list[str] = []
    rules: list[dict[str, object]] = []
    members: dict[str, str] = {}
    for number, found in enumerate(_objects(text), 1):
        name = f"rule {found.get('ruleId', number)!s:.40}"
        try:
            rules.append(_rule(found, members, told, name))
        except CannotSayError as error:
            told.append(f"{name}: left out: {error}")
    document: dict[str, object] = {"members": members} if members else {}
    document["rules"] = rules
    return Imported(yaml.safe_dump(document, sort_keys=False, width=110), told)


def _objects(text: str) -> list[dict[str, object]]:
    try:
        found = json.loads(text, parse_float=Decimal)
    except ValueError:
        try:
            found = [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise FlinkRulesError(f"this is no JSON, neither as a whole nor line by line: {error}") from None
    found = found if isinstance(found, list) else [found]
    if not found or not all((isinstance(one, dict) and "ruleId" in one) or _is_control(one) for one in found):
        raise FlinkRulesError("rules were expected: objects with a ruleId")
    return found


def _is_control(found: object) -> bool:
    return isinstance(found, dict) and found.get("ruleState") == "CONTROL"


def _rule(found: dict[str, object], members: dict[str, str], told: list[str], name: str) -> dict[str, object]:
    state = found.get("ruleState")
    if state not in _MODES:
        raise CannotSayError(f"its state is {state!s:.40}, which is no rule but a command")
    if found.get("unique"):
        raise CannotSayError("unique: has no equal; write count_distinct(...) where that is what it is for")
    sign = _SIGNS.get(str(found.get("limitOperatorType")))
    if sign is None:
        raise CannotSayError(f"limitOperatorType {found.get('limitOperatorType')!s:.40} is none of {', '.join(_SIGNS)}")
    limit, window = _number(found, "limit"), _window(found)
    keys = _keys(found, members)
    aggregate, is_money = _aggregate(found, members)
    rule: dict[str, object] = {
        "id": f"flink-{str(found['ruleId']).lower()}",
        "description": f"Rule {found['ruleId']} of the Flink fraud demo.",
        "key": keys[0] if len(keys) == 1 else keys,
        "window": window,
        "when": f"{aggregate} {sign} {limit}",
        "mode": _MODES[str(state)],
        "message": f"{{{aggregate}}} {sign} {limit} within {window}",
    }
    if is_money:
        rule["currency"] = "any"
        told.append(f"{name}: amounts of different currencies are no longer added to each other")
    if found.get("aggregateFieldName") == COUNT_WITH_RESET:
        told.append(f"{name}: the demo counts from 0 again behind an alert; here each transaction from there on fires")
    return rule


def _keys(found: dict[str, object], members: dict[str, str]) -> list[str]:
    names = found.get("groupingKeyNames")
    if not isinstance(names, list) or not names:
        raise CannotSayError("it groups by nothing: a rule that looks back has a key here")
    return [_field(name, "text", members) for name in names]


def _aggregate(found: dict[str, object], members: dict[str, str]) -> tuple[str, bool]:
    function, of = _FUNCTIONS.get(str(found.get("aggregatorFunctionType"))), found.get("aggregateFieldName")
    if function is None:
        told = f"aggregatorFunctionType {found.get('aggregatorFunctionType')!s:.40} is none of {', '.join(_FUNCTIONS)}"
        raise CannotSayError(told)
    if of in {COUNT, COUNT_WITH_RESET}:
        if function != "sum":
            raise CannotSayError(f"{function} of a count is 1, always")
        return "count()", False
    field = _field(of, "number", members)
    return f"{function}({field})", field == "amount"


def _field(name: object, kind: str, members: dict[str, str]) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CannotSayError(f"{name!s:.40} is no name of a field")
    if name in FIELDS:
        return FIELDS[name]
    if members.setdefault(name, kind) != kind:
        raise CannotSayError(f"{name} is grouped by in one rule and calculated with in another")
    return name


def _number(found: dict[str, object], name: str) -> str:
    try:
        value = Decimal(str(found.get(name)))
    except InvalidOperation:
        raise CannotSayError(f"{name} {found.get(name)!s:.40} is no number") from None
    if not value.is_finite():
        raise CannotSayError(f"{name} {found.get(name)!s:.40} is no number")
    return format(value, "f")


def _window(found: dict[str, object]) -> str:
    minutes = _number(found, "windowMinutes")
    if not minutes.isdecimal() or not int(minutes):
        raise CannotSayError(f"windowMinutes {minutes:.40} is no whole number above 0")
    for unit, size in _MINUTES_OF:
        if int(minutes) % size == 0:
            return f"{int(minutes) // size}{unit}"
    return f"{minutes}m"
