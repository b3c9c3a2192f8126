"""``python -m fraud_processor cases ...``: what there is to look into, and what was found out."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from fraud_processor.asking import asked_of
from fraud_processor.cases import reading
from fraud_processor.cases.changing import By, NoCaseError, NotPossibleError, move, release, remark
from fraud_processor.cases.states import ACKNOWLEDGED, CLOSED, CONFIRMED, FALSE_ALARM, PENDING, STATES
from pipeline.contracts.case_requests import MAX_NUMBER
from pipeline.contracts.display import printable
from pipeline.runtime.clock import now_us
from pipeline.runtime.parsing import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

NAME: Final = "cases"
FINDINGS: Final = {"fraud": CONFIRMED, "false-alarm": FALSE_ALARM}
CHANGES: Final = ("acknowledge", "resolve", "release", "close", "note")
EPILOG: Final = """exit codes: 0; 1 where there is no such case, or it is in a state in which that cannot be done; 2
where the command or a variable is wrong; 69 where the database does not answer. CASES_DATABASE_URL says which."""


def main(arguments: Sequence[str], values: Mapping[str, str]) -> int:
    """Carry out a command and return its exit code."""
    asked = parse(arguments)
    return asked_of(
        values,
        lambda connection: _carry_out(asked, connection),
        writes=asked.command in CHANGES,
        refused=(NoCaseError, NotPossibleError),
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m fraud_processor cases", description=__doc__, epilog=EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="cases, the newest first")
    listing.add_argument("--state", choices=[*STATES, "pending", "all"], default="pending", help="[pending]")
    most = _number(reading.MOST)
    listing.add_argument("--most", type=most, default=20, help="how many [20]")
    show = commands.add_parser("show", help="a case with its alerts, and what people did")
    show.add_argument("--most", type=most, default=20, help="how many alerts, the latest first [20]")
    acknowledge = commands.add_parser("acknowledge", help="say that somebody is at it")
    resolve = commands.add_parser("resolve", help="say what it was; its transactions get labels")
    resolve.add_argument("--release", action="store_true", help="with a false alarm: let its payments be settled")
    resolve.add_argument("--as", dest="finding", choices=tuple(FINDINGS), required=True)
    let_go = commands.add_parser("release", help="let the payments of a false alarm be settled, where that is not done")
    close = commands.add_parser("close", help="be done with it without saying what it was")
    note = commands.add_parser("note", help="keep a note")
    for one in (show, acknowledge, resolve, let_go, close, note):
        one.add_argument("id", type=_number(MAX_NUMBER), help="the number of the case")
    told = "what there is to say"
    for one in (acknowledge, resolve, let_go, close, note):
        one.add_argument("--by", type=_said, default=None, help="who does it [the name of the account]")
        one.add_argument("--note", default="", type=_said if one is note else str, required=one is note, help=told)
    for one in (listing, show):
        one.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


def _number(maximum: int) -> Callable[[str], int]:
    parse = whole_number(1, maximum)

    def read(text: str) -> int:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error} was expected") from None

    return read


def _said(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it has to say something")
    return text


def _carry_out(asked: argparse.Namespace, connection: Connection) -> None:
    if asked.command == "list":
        states = {"pending": PENDING, "all": ()}.get(asked.state, (asked.state,))
        _list(reading.cases(connection, states, most=asked.most), as_json=asked.json)
    elif asked.command == "show":
        _show(connection, asked.id, asked.most, as_json=asked.json)
    else:
        by = By(asked.by or _account(), now_us(), asked.note)
        if asked.command == "note":
            remark(connection, asked.id, by)
        elif asked.command == "release":
            release(connection, asked.id, by)
        else:
            move(connection, asked.id, _wanted(asked), by)
            if asked.command == "resolve" and asked.release:
                release(connection, asked.id, by)
        sys.stdout.write(f"case {asked.id}: {asked.command} by {printable(by.who)}\n")


def _wanted(asked: argparse.Namespace) -> str:
    """Return the state that a command brings a case into."""
    if asked.command == "resolve":
        return FINDINGS[asked.finding]
    return ACKNOWLEDGED if asked.command == "acknowledge" else CLOSED


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _list(cases: Sequence[reading.Case], *, as_json: bool) -> None:
    for case in cases:
        if as_json:
            sys.stdout.write(json.dumps(msgspec.to_builtins(case)) + "\n")
        else:
            sys.stdout.write(f"{_line(case)}\n")
    if not cases and not as_json:
        sys.stdout.write("no cases\n")


def _line(case: reading.Case) -> str:
    whom = ", ".join(f"{printable(name)} {printable(value, 40)}" for name, value in case.subject.items())
    return (
        f"{case.id:>6}  {case.severity:<8}  {case.state:<12}  {_moment(case.last)}  {case.alerts:>6} alerts  "
        f"score {case.score:>4}  {whom}"
    )


def _show(connection: Connection, number: int, most: int, *, as_json: bool) -> None:
    case = reading.case(connection, number)
    if case is None:
        raise NoCaseError(f"there is no case {number}")
    alerts, steps = reading.alerts(connection, number, most=most), reading.steps(connection, number)
    if as_json:
        told = {"case": case, "alerts": alerts, "steps": steps}
        sys.stdout.write(json.dumps(msgspec.to_builtins(told)) + "\n")
        return
    lines = [_line(case)]
    for alert in alerts:
        payer = "" if alert.source is None else f"{printable(alert.source, 40)} -> "
        lines.append(
            f"        {_moment(alert.time)}  {alert.amount} {alert.currency}  {payer}{printable(alert.target, 40)}  "
            f"{printable(alert.transaction_id, 40)}"
        )
        lines += [f"            {printable(rule)}: {printable(sentence)}" for rule, sentence in alert.reasons]
    if case.alerts > len(alerts):
        lines.append(f"        and {case.alerts - len(alerts)} more")
    lines += [f"    {_moment(s.at)}  {s.what} by {printable(s.who)}  {printable(s.note, 4000)}".rstrip() for s in steps]
    sys.stdout.write("\n".join(lines) + "\n")


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
