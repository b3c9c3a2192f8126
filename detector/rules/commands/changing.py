"""Commands that put another version in force."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from detector.rules.commands.desk import RulesCommandError
from detector.rules.loading import RuleFileError
from detector.rules.versions.body import at_work
from detector.rules.versions.editing import ListEditError, with_entry, without_entry
from detector.versions.publishing import version_in_force

if TYPE_CHECKING:
    import argparse

    from detector.rules.commands.desk import Desk
    from pipeline.contracts.rule_versions import Put


def push(asked: argparse.Namespace, desk: Desk) -> None:
    """Put a file in force."""
    body, rules = desk.file(asked.file)
    before = version_in_force(desk.shelf)
    if asked.previous is not None and desk.version(asked.previous)[0] != before:
        raise RulesCommandError(f"{before or 'nothing'} is in force, not {asked.previous}: look at it, `diff current`")
    _tell(asked, desk, rules.version, desk.put(asked, rules, body))


def rollback(asked: argparse.Namespace, desk: Desk) -> None:
    """Put a version in force that stands in the topic."""
    version, _, rules = desk.version(asked.version)
    _tell(asked, desk, version, desk.put(asked, rules, None))


def change_list(asked: argparse.Namespace, desk: Desk) -> None:
    """Put what is in force back in force, with one list changed."""
    _, body, _ = desk.version("current")
    try:
        if asked.change == "add":
            body = with_entry(body, asked.list, asked.value, asked.until)
        else:
            body = without_entry(body, asked.list, asked.value)
        rules = at_work(body, desk.logs)
    except ListEditError as error:
        raise RulesCommandError(str(error)) from None
    except RuleFileError as error:
        raise RulesCommandError("\n".join(error.told())) from None
    _tell(asked, desk, rules.version, desk.put(asked, rules, body, f"lists {asked.change} {asked.list} {asked.value}"))


def _tell(asked: argparse.Namespace, desk: Desk, version: str, put: Put | None) -> None:
    before = version_in_force(desk.shelf)
    if asked.json:
        told = {"version": version, "previous": before, "changed": put is not None}
        sys.stdout.write(json.dumps(told) + "\n")
    elif put is None:
        sys.stdout.write(f"{version} is in force already\n")
    else:
        replaced = "" if before is None else f", in place of {before}"
        sys.stdout.write(f"{version} is in force{replaced}; detectors that run take it up within about a second\n")
