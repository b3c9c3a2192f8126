"""Reads a file of rules into what it says, and finds all that is wrong with its form."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from detector.rules.expressions.kinds import US_PER
from detector.rules.expressions.names import FIELDS
from detector.rules.files import forms
from detector.rules.files.behaviour import check_behaviour, lateness, names, steps, window
from detector.rules.files.document import DocumentError, Mapping, Node, Scalar, Sequence, read_document
from detector.rules.files.list_reading import lists_of
from detector.rules.files.members import NUMBER, Members, Wrong, matching, number, one_of, scalar, text, words
from detector.rules.files.spec import ACTIVE, MISS, MODES, ON_ERROR, SEVERITIES, SHADOW, FileSpec, RuleSpec
from detector.rules.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from detector.rules.expressions import Kind
    from detector.rules.files.list_entries import ReadFile
    from pipeline.contracts.rule_bodies import Constant

T = TypeVar("T")

_NOTHING: Final = Scalar("", 1, 1, quoted=False)

rule_id = matching(forms.RULE_ID, "lower-case letters, digits and hyphens")
currency = matching(forms.CURRENCY, "a currency code such as EUR, or any,")
tag = matching(forms.TAG, "a word")
member_path = matching(forms.MEMBER_PATH, "a name such as country or card.country")
variable_name = matching(forms.VARIABLE, "a name in capitals, such as LARGE,")


def read_rules(
    source: str, problems: list[Problem], read_file: ReadFile, reserved: Collection[str] = ()
) -> FileSpec | None:
    """Return what a file says; notes what is wrong, and returns None where nothing can be said.

    ``read_file`` returns the text of a file beside it, or raises RuleFileUnreadableError; ``reserved`` are
    variables that it may not set.
    """
    try:
        root = read_document(source)
    except DocumentError as error:
        problems.append(error.problem)
        return None
    if not isinstance(root, Mapping):
        problems.append(_at(root, "a mapping was expected: rules: and a list of them"))
        return None
    members = Members(root, problems)
    threshold = int(members.take("threshold", number(1, forms.MAX_THRESHOLD), Decimal(forms.DEFAULT_THRESHOLD)))
    found = FileSpec(
        threshold=threshold,
        timezone=members.take("timezone", _zone, ZoneInfo(forms.DEFAULT_ZONE)),
        members=_declared(members),
        variables=_variables(members, reserved),
        lists=lists_of(members, threshold, read_file),
        rules=_rules(members),
        lateness_us=members.take("lateness", lateness, US_PER["h"]),
    )
    members.check_unknown()
    return found


def _at(node: Node, told: str) -> Problem:
    return Problem(node.line, node.column, told)


def _zone(node: Node) -> ZoneInfo:
    try:
        return ZoneInfo(text(node))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(f"a time zone such as Europe/Berlin was expected, this is {text(node)[:80]!r}") from None


def _declared(members: Members) -> dict[str, Kind]:
    node = members.take("members", _mapping, None)
    if node is None:
        return {}
    inner, kinds = Members(node, members.problems), {}
    for name, at in node.names.items():
        try:
            member_path(at)
        except Wrong as wrong:
            members.problem(at, str(wrong))
        if name in FIELDS:
            members.problem(at, f"{name} is a field that every transaction has; it need not be declared")
        kind = inner.take(name, one_of(forms.MEMBER_KINDS), "")
        if kind:
            kinds[name] = forms.MEMBER_KINDS[kind]
    return kinds


def _variables(members: Members, reserved: Collection[str]) -> dict[str, Constant]:
    node = members.take("variables", _mapping, None)
    if node is None:
        return {}
    inner = Members(node, members.problems)
    found: dict[str, Constant] = {}
    for name, at in node.names.items():
        try:
            variable_name(at)
        except Wrong as wrong:
            members.problem(at, str(wrong))
        if name in reserved:
            members.problem(at, f"{name} is set by the deployment, as an environment variable")
        value = inner.take(name, _constant, None)
        if value is not None:
            found[name] = value
    return found


def _constant(node: Node) -> Constant:
    if isinstance(node, Scalar):
        return _value(node)
    if not isinstance(node, Sequence):
        raise Wrong("a value or a list of values was expected")
    values = [_value(scalar(item)) for item in node.items]
    if all(isinstance(value, str) for value in values):
        return frozenset(map(str, values))
    if all(isinstance(value, Decimal) for value in values):
        return frozenset(value for value in values if isinstance(value, Decimal))
    raise Wrong("values of one kind were expected: numbers, or texts")


def _value(node: Scalar) -> Decimal | str | bool:
    if not node.quoted and node.text in {"true", "false"}:
        return node.text == "true"
    if not node.quoted and NUMBER.fullmatch(node.text):
        return Decimal(node.text)
    return node.text


def _mapping(node: Node) -> Mapping:
    if not isinstance(node, Mapping):
        raise Wrong("names with values were expected")
    return node


def _rules(members: Members) -> tuple[RuleSpec, ...]:
    nothing: Node = _NOTHING
    node = members.need("rules", _any, nothing)
    if not isinstance(node, Sequence):
        if members.has("rules"):
            members.problem(node, "rules: a list was expected")
        return ()
    if len(node.items) > forms.MAX_RULES:
        members.problem(node, f"a file has at most {forms.MAX_RULES:,} rules, this one {len(node.items):,}")
        return ()
    found: list[RuleSpec] = []
    seen: dict[str, int] = {}
    for item in node.items:
        if not isinstance(item, Mapping):
            members.problem(item, "a rule was expected: id: and when:")
            continue
        rule = _rule(Members(item, members.problems, _id_of(item)))
        if rule.id in seen:
            members.problem(item, f"rule {rule.id!r} stands here a second time, at first on line {seen[rule.id]}")
        seen.setdefault(rule.id, item.line)
        found.append(rule)
    return tuple(found)


def _id_of(item: Mapping) -> str:
    found = item.members.get("id")
    return found.text if isinstance(found, Scalar) else ""


def _rule(members: Members) -> RuleSpec:
    nothing: tuple[Scalar, ...] = ()
    found = RuleSpec(
        id=members.need("id", rule_id, ""),
        description=members.take("description", text, ""),
        when=(members.take if members.has("sequence") else members.need)("when", scalar, _NOTHING),
        currency=members.take("currency", _optional(currency), None),
        severity=members.take("severity", one_of(SEVERITIES), forms.DEFAULT_SEVERITY),
        score=int(members.take("score", number(0, forms.MAX_SCORE), Decimal(forms.DEFAULT_SCORE))),
        mode=members.take("mode", one_of(MODES), ACTIVE),
        quarantine=bool(members.take("quarantine", one_of((SHADOW,)), "")),
        rollout=members.take("rollout", number(0, 100, decimals=2), Decimal(100)),
        message=members.take("message", _optional(scalar), None),
        tags=members.take("tags", _tags, ()),
        on_error=members.take("on_error", one_of(ON_ERROR), MISS),
        key=members.take("key", names, nothing),
        window_us=members.take("window", _optional(window), None),
        filter=members.take("filter", _optional(scalar), None),
        sequence=members.take("sequence", steps, nothing),
        within_us=members.take("within", _optional(window), None),
    )
    check_behaviour(members)
    members.check_unknown()
    return found


def _optional(convert: Callable[[Node], T]) -> Callable[[Node], T | None]:
    return convert


def _any(node: Node) -> Node:
    return node


def _tags(node: Node) -> tuple[str, ...]:
    found = words(node)
    for one in found:
        tag(Scalar(one, node.line, node.column, quoted=False))
    return found
