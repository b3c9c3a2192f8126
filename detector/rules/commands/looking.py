"""Commands that show what stands in the topic of rules."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from detector.rules.versions.difference import difference
from pipeline.contracts.display import printable
from pipeline.contracts.rule_bodies import BrokenVersionError

if TYPE_CHECKING:
    import argparse

    from detector.rules.commands.desk import Desk

RED, GREEN, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
LINE_CHARACTERS: Final = 2_000
COLOURS: Final = {"+": GREEN, "-": RED, "@": DIM}


def show_list(asked: argparse.Namespace, desk: Desk) -> None:
    """Print all versions, oldest first, and mark the one in force."""
    listed = desk.shelf.listed()
    if asked.json:
        found = [{**msgspec.to_builtins(one.put), "current": one.current} for one in listed]
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for one in listed:
        put = one.put
        mark = "*" if one.current else " "
        sys.stdout.write(printable(f"{mark} {put.version}  {put.at}  {put.author}  {put.reason}".rstrip()) + "\n")
    try:
        put_last = desk.shelf.current()
    except BrokenVersionError as error:
        sys.stderr.write(f"rules: {error}\n")
        return
    if put_last is None:
        sys.stdout.write("no version is in force yet: the first detector that starts brings its file\n")
    else:
        reason = f": {put_last.reason}" if put_last.reason else ""
        sys.stdout.write(
            printable(f"{put_last.version} is in force since {put_last.at}, by {put_last.author}{reason}") + "\n"
        )


def show_difference(asked: argparse.Namespace, desk: Desk) -> None:
    """Print what differs, rule by rule and line by line; with colour at a terminal alone."""
    (old, old_body, old_rules), (new, new_body, new_rules) = desk.either(asked.old), desk.either(asked.new)
    found = difference((old_body, old_rules), (new_body, new_rules))
    if asked.json:
        told = {"old": old, "new": new, "added": found.added, "removed": found.removed, "changed": found.changed}
        sys.stdout.write(json.dumps({**told, "lines": found.lines}, indent=2) + "\n")
        return
    for what, rules in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        if rules:
            sys.stdout.write(f"{what}: {', '.join(rules)}\n")
    if old == new:
        sys.stdout.write(f"{old}: both mean the same\n")
    coloured = sys.stdout.isatty()
    for line in found.lines:
        colour = COLOURS.get(line[:1], "") if coloured else ""
        sys.stdout.write(f"{colour}{printable(line, LINE_CHARACTERS)}{PLAIN if colour else ''}\n")
