"""What the commands on the topic of rules take."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

ON_TOPIC: Final = ("push", "list", "rollback", "diff", "lists")
NAMED: Final = "the beginning of a version as `list` shows it, or `current`"


def add_commands(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Let a parser take them, too."""
    push = commands.add_parser("push", help="put a file in force in all detectors that run")
    push.add_argument("file", type=Path, metavar="FILE", help="what `check` accepts; lists and variables go with it")
    push.add_argument("--previous", metavar="VERSION", help="only where this is in force now: what you have looked at")
    _signed(push)
    back = commands.add_parser("rollback", help="put a version in force that was there before")
    back.add_argument("version", metavar="VERSION", help=NAMED)
    _signed(back)
    _printing(commands.add_parser("list", help="all versions, who brought them, and which is in force"))
    diff = commands.add_parser("diff", help="what differs between two versions, or a version and a file")
    diff.add_argument("old", metavar="OLD", help=f"{NAMED}, or a file")
    diff.add_argument("new", metavar="NEW", help="as OLD")
    _printing(diff)
    lists = commands.add_parser("lists", help="change a list of what is in force, without a push")
    changes = lists.add_subparsers(dest="change", required=True)
    add = changes.add_parser("add", help="put a value on a list")
    add.add_argument("--until", type=_moment, metavar="MOMENT", help="until when, such as 2026-12-31T23:59:59Z")
    remove = changes.add_parser("remove", help="take a value off a list")
    for change in (add, remove):
        change.add_argument("list", metavar="LIST", help="the id of the list")
        change.add_argument("value", metavar="VALUE", help="compared character by character")
        _signed(change)


def _signed(parser: ArgumentParser) -> None:
    parser.add_argument("--author", metavar="NAME", help="who does it (the user of this machine)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for whoever looks later")
    _printing(parser)


def _printing(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _moment(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError("not a moment with its offset, such as 2026-12-31T23:59:59Z")
    return text
