"""What differs between two versions: rule by rule, and line by line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.contracts.rule_bodies import differing_lines

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.rule_bodies import RuleBody


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
        lines=differing_lines(old[0], new[0]),
    )


def _by_id(rules: RuleSet) -> dict[str, dict[str, object]]:
    return {str(rule["id"]): rule for rule in rules.describe()}
