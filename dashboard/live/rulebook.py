"""What a file of rules says, as texts to show. Pure; what rules mean is the detector's, and the page need not know.

Whoever may push rules writes these texts: they are bounded here, and never taken for markup by the page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from pipeline.contracts.display import printable
from pipeline.contracts.rule_bodies import VARIABLES

if TYPE_CHECKING:
    from pipeline.contracts.rule_bodies import RuleBody

# Every value stays the text that it is written as: `off` is no truth here.
LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
MAX_READ: Final = 4 * 1024 * 1024  # characters of a file that is read for its rules
MAX_SHOWN: Final = 64 * 1024  # characters of a text that is shown
MAX_RULES: Final = 1_000
MAX_VALUE: Final = 2_000
DEFAULTS: Final = {"mode": "active", "score": "100"}
APART: Final = {"rules", "lists", "threshold"}  # what a rule does not look at, and the rules themselves


def described(body: RuleBody) -> dict[str, Any]:
    """Return what a version says: ``threshold``, ``rules`` member by member, ``lists`` and ``variables``.

    ``left_out`` is how many rules are not shown. There is nothing of all that where the text cannot be read so; it is
    shown as it is then.
    """
    content = _content(body.text)
    try:
        rules, lists = ([_members(one) for one in _listed(content, name)] for name in ("rules", "lists"))
    except RecursionError:  # nested too deeply to be shown
        rules, lists = [], []
    return {
        "threshold": printable(str(content.get("threshold", "100")), MAX_VALUE),
        "rules": [{**DEFAULTS, **members} for members in rules[:MAX_RULES]],
        "lists": lists[:MAX_RULES],
        "left_out": max(0, len(rules) - MAX_RULES),
        "variables": shown(body.texts()[VARIABLES]),
    }


class Compared(NamedTuple):
    """What makes a rule another one: its own members, by its id, and what the version says ``beside`` rules."""

    beside: tuple[Any, ...]
    rules: dict[str, dict[Any, Any]]


def compared(body: RuleBody) -> Compared:
    """Return what the rules of a version are told apart by; without any where its text cannot be read so."""
    content = _content(body.text)
    beside = {name: value for name, value in content.items() if name not in APART}
    rules = _listed(content, "rules")[:MAX_RULES]
    return Compared(
        (beside, dict(body.variables)),
        {printable(str(one.get("id")), MAX_VALUE): {**DEFAULTS, **one} for one in rules},
    )


def shown(text: str) -> str:
    """Return as much of a text as is shown, line by line in characters that can be seen; say where it was cut."""
    lines = "\n".join(printable(line, MAX_VALUE) for line in text[:MAX_SHOWN].splitlines())
    left_out = len(text) - MAX_SHOWN
    return lines if left_out <= 0 else f"{lines}\n[{left_out:,} more characters; python -m detector.rules has them]"


def _content(text: str) -> dict[str, Any]:
    """Return what a text holds; nothing where it repeats parts of itself by name: few lines can stand for billions."""
    if len(text) > MAX_READ:
        return {}
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, LOADER)):
            return {}
        content = yaml.load(text, LOADER)  # noqa: S506 (it makes texts, lists and mappings, and nothing else)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _listed(content: dict[str, Any], name: str) -> list[dict[Any, Any]]:
    found = content.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _members(one: dict[Any, Any]) -> dict[str, str]:
    return {printable(str(name), MAX_VALUE): _told(value) for name, value in one.items()}


def _told(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = ", ".join(value)
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return printable(" ".join(text.split()), MAX_VALUE)
