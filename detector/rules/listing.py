"""From what a file says of lists to lists at work, or to what is wrong with them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from detector.rules.expressions import Kind
from detector.rules.files.list_spec import ALL, DENY, TAGGED
from detector.rules.lists import AllowList, DenyList
from detector.rules.problems import Problem

if TYPE_CHECKING:
    from detector.rules.expressions import Names
    from detector.rules.files.list_spec import ListSpec
    from detector.rules.files.spec import FileSpec


def lists_at_work(spec: FileSpec, names: Names, problems: list[Problem]) -> tuple[list[DenyList], list[AllowList]]:
    """Return the deny lists and the allow lists of a file; notes what is wrong with them."""
    denies: list[DenyList] = []
    allows: list[AllowList] = []
    taken = {rule.id for rule in spec.rules}
    for one in spec.lists:
        if one.id in taken:
            problems.append(Problem(one.on.line, one.on.column, f"there is another rule or list {one.id}", one.id))
        taken.add(one.id)
        found = names.find(one.on.text)
        if found is None or found[0] is not Kind.TEXT:
            told = f"there is no {one.on.text}; {names.like(one.on.text)}" if found is None else "a text was expected"
            problems.append(Problem(one.on.line, one.on.column, f"on: {told}", one.id))
            continue
        kind, get = found
        if one.type == DENY:
            denies.append(DenyList(one, kind, get))
        else:
            allows.append(AllowList(one, get, _exempted(one, spec, problems)))
    return denies, allows


def _exempted(one: ListSpec, spec: FileSpec, problems: list[Problem]) -> set[str]:
    """Return the ids of the rules that a list exempts from; deny lists are never among them."""
    ids = {rule.id for rule in spec.rules}
    found: set[str] = set()
    for exempt in one.exempts:
        written = exempt.text
        if written == ALL:
            found |= ids
        elif written.startswith(TAGGED):
            tagged = {rule.id for rule in spec.rules if written.removeprefix(TAGGED) in rule.tags}
            if not tagged:
                problems.append(Problem(exempt.line, exempt.column, f"exempts: no rule is tagged {written}", one.id))
            found |= tagged
        elif written in ids:
            found.add(written)
        else:
            close = get_close_matches(written, ids, n=1)
            told = f"; did you mean {close[0]}?" if close else ""
            problems.append(Problem(exempt.line, exempt.column, f"exempts: there is no rule {written}{told}", one.id))
    return found
