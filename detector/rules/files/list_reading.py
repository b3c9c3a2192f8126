"""Reads the lists of a file of rules."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from detector.rules.files import forms
from detector.rules.files.document import Mapping, Node, Scalar, Sequence
from detector.rules.files.list_entries import inline, of_file
from detector.rules.files.list_spec import ALL, ALLOW, DENY, LIST_TYPES, ListSpec
from detector.rules.files.members import Members, Wrong, matching, number, one_of, scalar, text
from detector.rules.files.spec import SEVERITIES
from detector.rules.problems import RuleFileUnreadableError

if TYPE_CHECKING:
    from detector.rules.files.list_entries import Entries, ReadFile

_NOTHING: Final = Scalar("", 1, 1, quoted=False)
_id = matching(forms.RULE_ID, "lower-case letters, digits and hyphens")
_exempt = matching(rf"\*|{forms.RULE_ID}|tag:{forms.TAG}", f"the id of a rule, tag: and a tag, or {ALL}")


def lists_of(members: Members, threshold: int, read_file: ReadFile) -> tuple[ListSpec, ...]:
    """Take ``lists:`` out of a file; ``read_file`` is as in :func:`~detector.rules.files.reading.read_rules`."""
    node = members.take("lists", _sequence, None)
    found = []
    for item in node.items if node else ():
        if isinstance(item, Mapping):
            found.append(_list(item, members, threshold, read_file))
        else:
            members.problem(item, "a list was expected: id:, type:, on: and entries:")
    return tuple(found)


def _list(item: Mapping, outer: Members, threshold: int, read_file: ReadFile) -> ListSpec:
    named = item.members.get("id")
    members = Members(item, outer.problems, named.text if isinstance(named, Scalar) else "")
    kind = members.need("type", one_of(LIST_TYPES), DENY)
    exempts: tuple[Scalar, ...] = ()
    if kind == ALLOW:
        exempts = members.need("exempts", _exempts, ())
    found = ListSpec(
        id=members.need("id", _id, ""),
        description=members.take("description", text, ""),
        type=kind,
        on=members.need("on", scalar, _NOTHING),
        entries=_entries(members, read_file),
        exempts=exempts,
        severity=members.take("severity", one_of(SEVERITIES), "critical") if kind == DENY else "",
        score=int(members.take("score", number(0, forms.MAX_SCORE), Decimal(threshold))) if kind == DENY else 0,
    )
    members.check_unknown()
    return found


def _entries(members: Members, read_file: ReadFile) -> Entries:
    if members.has("file") == members.has("entries"):
        members.problem(members.mapping, "either entries: or file: was expected")
    nothing: Entries = {}
    beside = members.take("file", lambda node: _of_file(node, read_file), nothing)
    return {**beside, **members.take("entries", lambda node: inline(members, node), nothing)}


def _of_file(node: Node, read_file: ReadFile) -> Entries:
    try:
        return of_file(node, read_file)
    except RuleFileUnreadableError as error:
        raise Wrong(f"{text(node)}: {error}") from None


def _exempts(node: Node) -> tuple[Scalar, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        _exempt(item)
    return tuple(scalar(item) for item in items)


def _sequence(node: Node) -> Sequence:
    if not isinstance(node, Sequence):
        raise Wrong("a list was expected")
    return node
