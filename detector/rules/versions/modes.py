"""Sets the mode of a rule of a version, and leaves all else of its text as it is. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from detector.rules.files.document import LOADER
from detector.rules.files.reading import read_rules
from detector.rules.versions.body import reader_of
from detector.rules.versions.editing import members_of

if TYPE_CHECKING:
    from detector.rules.files.spec import FileSpec
    from detector.rules.problems import Problem
    from pipeline.contracts.rule_bodies import RuleBody


class ModeEditError(Exception):
    """The mode cannot be set so; the sentence says why."""


def with_mode(body: RuleBody, rule_id: str, mode: str) -> RuleBody:
    """Return the version with a rule in another mode.

    Raises:
        ModeEditError: there is no such rule, or its text is written in a way that is not changed here.

    """
    spec = _read(body)
    if spec is None or all(rule.id != rule_id for rule in spec.rules):
        raise ModeEditError(f"there is no rule {rule_id}")
    edited = replace(body, text=_edited(body.text, rule_id, mode))
    found = _read(edited)
    if found is None or _modes(found) != {**_modes(spec), rule_id: mode}:
        raise ModeEditError(f"{rule_id} is written in a way that is not changed here: edit the file, and push it")
    return edited


def _edited(text: str, rule_id: str, mode: str) -> str:
    # As where it is read: JSON may be indented by tabs.
    plain = text.replace("\t", " ") if text.lstrip()[:1] in {"{", "["} else text
    rules = members_of(yaml.compose(plain, Loader=LOADER))["rules"]
    node = next(one for one in rules.value if members_of(one)["id"].value == rule_id)
    there = members_of(node).get("mode")
    if there is not None:
        return text[: there.start_mark.index] + f'"{mode}"' + text[there.end_mark.index :]
    first = node.value[0][0].start_mark
    between = ", " if node.flow_style else "\n" + " " * first.column
    return f'{text[: first.index]}"mode": "{mode}"{between}{text[first.index :]}'


def _read(body: RuleBody) -> FileSpec | None:
    problems: list[Problem] = []
    found = read_rules(body.text, problems, reader_of(body), body.variables)
    return None if problems else found


def _modes(spec: FileSpec) -> dict[str, str]:
    return {rule.id: rule.mode for rule in spec.rules}
