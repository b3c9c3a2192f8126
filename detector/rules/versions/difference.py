"""What differs between two versions: rule by rule, and line by line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.ruleset import RuleSet
    from detector.rules.versions.body import RuleBody


@dataclass(frozen=True, slots=True)
class Difference:
    """``added``, ``removed`` and ``changed`` are ids of rules and deny lists; ``lines`` a unified diff of the texts."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    lines: list[str]


def difference(old: tuple[RuleBody, RuleSet], new: tuple[RuleBody, RuleSet]) -> Difference:
    """Return what has to change in ``old`` to make ``new`` of it."""
    before, after = _by_id(old[1]), _by_id(new[1])
    return Difference(
        added=[rule for rule in after if rule not in before],
        removed=[rule for rule in before if rule not in after],
        changed=[rule for rule in after if rule in before and before[rule] != after[rule]],
        lines=_lines(old[0], new[0]),
    )


def _by_id(rules: RuleSet) -> dict[str, dict[str, object]]:
    return {str(rule["id"]): rule for rule in rules.describe()}


def _lines(old: RuleBody, new: RuleBody) -> list[str]:
    before, after = _texts(old), _texts(new)
    return [
        line.rstrip("\n")
        for name in dict.fromkeys([*before, *after])
        for line in unified_diff(
            before.get(name, "").splitlines(),
            after.get(name, "").splitlines(),
            f"old/{name}",
            f"new/{name}",
            lineterm="",
        )
    ]


def _texts(body: RuleBody) -> Mapping[str, str]:
    """Return all that a version holds as texts, the one of the rules first."""
    variables = "\n".join(f"{name} = {_shown(value)}" for name, value in sorted(body.variables.items()))
    return {"rules": body.text, **dict(sorted(body.files.items())), "variables of the deployment": variables}


def _shown(value: object) -> str:
    return ", ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)
