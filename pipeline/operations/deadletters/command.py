"""The commands: what each takes, and what it prints."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.errors import EXIT_FAILURE
from pipeline.operations.deadletters import showing
from pipeline.operations.deadletters.redrive import Choice, Redriver
from pipeline.operations.deadletters.resume import resume
from pipeline.operations.deadletters.shelf import read_letters
from pipeline.operations.deadletters.skip import skip
from pipeline.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.topics import Topic
    from pipeline.operations.deadletters.letters import Letter
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.settings import CommonSettings

TWINS: Final = {topic.key: topic for topic in topics.HANDLED}
SERVICES: Final = tuple(topic.consumers[0] for topic in TWINS.values())
MAX_ATTEMPTS: Final = 5


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.operations.deadletters")
    commands = parser.add_subparsers(dest="command", required=True)
    seen = commands.add_parser("list", help="the pending letters, a row each")
    seen.add_argument("--topic", choices=TWINS, help="only those of this topic")
    seen.add_argument("--reason", help="only those with this reason")
    seen.add_argument("--all", action="store_true", help="also those that were sent again")
    seen.add_argument("--json", action="store_true", help="a JSON object a line")
    one = commands.add_parser("show", help="all letters of one transaction, in full")
    one.add_argument("origin", type=_coordinates, help="where it entered: PARTITION:OFFSET of the input topic")
    again = commands.add_parser("redrive", help="send pending letters again, exactly once")
    again.add_argument("--topic", choices=TWINS, default=topics.TRANSACTIONS.key, help="whose letters (%(default)s)")
    again.add_argument("--reason", help="only those with this reason")
    again.add_argument("--limit", type=_positive, help="at most so many")
    again.add_argument("--max-attempts", type=_positive, default=MAX_ATTEMPTS, help="no more tries each (%(default)s)")
    again.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    aside = commands.add_parser("skip", help="set the next record of a stopped service aside")
    aside.add_argument(
        "topic", type=_handled, metavar="TOPIC", help=f"{', '.join(TWINS)}, or by-KEY: a hop by that key"
    )
    aside.add_argument("partition", type=int)
    aside.add_argument("offset", type=int)
    on = commands.add_parser("resume", help="let a service go on whose breaker has tripped")
    on.add_argument("service", choices=SERVICES)
    return parser.parse_args(arguments)


def _handled(text: str) -> Topic:
    if text.startswith("by-") and len(text) > len("by-"):
        return topics.hop_by(text.removeprefix("by-"))
    if text not in TWINS:
        raise argparse.ArgumentTypeError(f"not one of {', '.join(TWINS)}, nor by-KEY")
    return TWINS[text]


def show_list(asked: argparse.Namespace, settings: CommonSettings, stop: Stop) -> int:
    """Print letters, a row each, and how many there are."""
    found = [
        letter
        for key in ([asked.topic] if asked.topic else TWINS)
        for letter in read_letters(settings.kafka, settings.topics, TWINS[key], stop.wait)
        if (asked.all or letter.redriven is None) and asked.reason in {None, letter.reason}
    ]
    if asked.json:
        _print(*map(showing.as_json, found))
    else:
        _print(showing.HEAD, *map(showing.row, found), f"{len(found)} letters")
    return 0


def show_one(asked: argparse.Namespace, settings: CommonSettings, stop: Stop) -> int:
    """Print all letters of one transaction."""
    found: list[Letter] = [
        letter
        for twin in TWINS.values()
        for letter in read_letters(settings.kafka, settings.topics, twin, stop.wait)
        if letter.origin == asked.origin
    ]
    _print("\n\n".join(map(showing.in_full, found)) or f"no dead letter of {asked.origin}")
    return 0 if found else EXIT_FAILURE


def redrive(asked: argparse.Namespace, settings: CommonSettings, stop: Stop) -> int:
    """Send letters again, or say which would be."""
    choice = Choice(TWINS[asked.topic], asked.reason, asked.limit, asked.max_attempts)
    if asked.dry_run:
        chosen = choice.take(read_letters(settings.kafka, settings.topics, choice.twin, stop.wait))
        _print(showing.HEAD, *map(showing.row, chosen), f"{len(chosen)} letters would be sent again")
        return 0
    redriver = Redriver(settings.kafka, settings.topics, choice.twin, stop.wait, Watchdog())
    try:
        sent = redriver.send(choice, _progress)
    finally:
        redriver.close()
    _print(*(f"{marker.letter} sent again as {marker.became}" for marker in sent), f"{len(sent)} letters sent again")
    return 0


def set_aside(asked: argparse.Namespace, settings: CommonSettings, stop: Stop) -> int:
    """Move one record to the dead letters."""
    place = Coordinates(asked.partition, asked.offset)
    skip(settings, asked.topic, place, stop.wait, Watchdog())
    _print(f"{asked.topic.key}:{place} is set aside, start the service again")
    return 0


def go_on(asked: argparse.Namespace, settings: CommonSettings, stop: Stop) -> int:
    """Let a tripped service go on."""
    resume(settings.kafka, settings.topics, asked.service, stop.wait)
    _print(f"{asked.service} goes on within seconds, if it is tripped")
    return 0


COMMANDS: Final[dict[str, Callable[[argparse.Namespace, CommonSettings, Stop], int]]] = {
    "list": show_list,
    "show": show_one,
    "redrive": redrive,
    "skip": set_aside,
    "resume": go_on,
}


def _coordinates(text: str) -> Coordinates:
    try:
        return Coordinates.decode(text.encode())
    except ValueError:
        raise argparse.ArgumentTypeError("not PARTITION:OFFSET") from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("not a whole number above 0")
    return int(text)


def _print(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + ("\n" if lines else ""))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rsent again {done} of {of} ")
