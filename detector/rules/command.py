"""What ``python -m detector.rules`` takes and prints."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from detector.rules.commands.arguments import ON_TOPIC, add_commands
from detector.rules.commands.running import carry_out
from detector.rules.files.schema import schema
from detector.rules.importing.flink import FlinkRulesError, import_rules
from detector.rules.loading import RuleFileError
from detector.rules.memory import Memory, memory_of, told
from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import body_of
from detector.settings import STATE_MAX_BYTES, gathering, rule_variables
from pipeline.errors import EXIT_FAILURE, EXIT_USAGE, SettingsError
from pipeline.runtime.environment import Environment
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.logs import start_logging
from pipeline.runtime.settings import common_from_env, of_a_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.keys import Logs
    from pipeline.contracts.rule_bodies import Constant


def main(arguments: list[str], values: Mapping[str, str]) -> int:
    """Carry out one command and return its exit code: 1 where a file is wrong, 2 where the command is."""
    asked = parse(arguments)
    if asked.command == "schema":
        sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
        return 0
    if asked.command == "import":
        return _import(asked.file)
    if asked.command in ON_TOPIC:
        stop = Stop()
        stop.listen()
        values = of_a_command(values)
        with suppress(SettingsError):  # told by the command
            start_logging("rules", common_from_env(values).process)
        return carry_out(asked, values, stop)
    env = Environment(values)
    variables, bound = rule_variables(env), env.read(STATE_MAX_BYTES)
    logs_of_each = {path: gathering(env, path)[1] for path in asked.files}
    try:
        env.check()
    except SettingsError as error:
        sys.stderr.write(f"rules: {error}\n")
        return EXIT_USAGE
    reports = [_checked(path, variables, logs, asked.keys, bound) for path, logs in logs_of_each.items()]
    if asked.json:
        sys.stdout.write(json.dumps(reports if len(reports) > 1 else reports[0], indent=2) + "\n")
    else:
        for report in reports:
            _tell(report)
    return 0 if all(report["valid"] for report in reports) else EXIT_FAILURE


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m detector.rules", description="Files of rules; see docs/rules.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="tell all that is wrong with files, or what they hold")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument(
        "--keys",
        type=_count,
        default=1_000_000,
        metavar="N",
        help="tell what so many accounts, and values of other keys, would take in memory (%(default)s)",
    )
    bring = commands.add_parser("import", help="make a file of rules of another system's")
    bring.add_argument("system", choices=["flink"], help="flink: the rule JSON of the public Flink fraud demo")
    bring.add_argument("file", type=Path, metavar="FILE", help="YAML goes to stdout, what it cannot say to stderr")
    commands.add_parser("schema", help="print the JSON Schema of files of rules, for editors")
    add_commands(commands)
    return parser.parse_args(arguments)


def _import(path: Path) -> int:
    try:
        document, told = import_rules(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, FlinkRulesError) as error:
        sys.stderr.write(f"rules: {path}: {error}\n")
        return EXIT_FAILURE
    for line in told:
        sys.stderr.write(f"{path}: {line}\n")
    sys.stdout.write(f"# Made of {path.name} by `python -m detector.rules import flink`.\n{document}")
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 13):  # noqa: PLR2004 (more than there are people)
        raise argparse.ArgumentTypeError("not a number of keys, such as 1000000")
    return int(text)


def _checked(path: Path, variables: Mapping[str, Constant], logs: Logs, keys: int, bound: int) -> dict[str, object]:
    """Return what there is to say of a file, as it is printed with ``--json``; so many ``keys`` are remembered."""
    try:
        _, rules = body_of(path, variables, logs)
    except RuleFileUnreadableError as error:
        return {"file": str(path), "valid": False, "problems": [{"told": str(error)}]}
    except RuleFileError as error:
        return {"file": str(path), "valid": False, "problems": [problem.as_json() for problem in error.problems]}
    memory = msgspec.to_builtins(memory_of(rules, keys, bound))
    return {"file": str(path), "valid": True, "version": rules.version, "rules": rules.describe(), "memory": memory}


def _tell(report: dict[str, object]) -> None:
    file, problems, rules = report["file"], report.get("problems"), report.get("rules")
    if isinstance(problems, list):
        for problem in problems:
            place = f":{problem['line']}:{problem['column']}" if "line" in problem else ""
            rule = f"rule {problem['rule']!r}: " if problem.get("rule") else ""
            sys.stderr.write(f"{file}{place}: {rule}{problem['told']}\n")
        sys.stderr.write(f"{file}: {counted(len(problems), 'problem')}\n")
    if isinstance(rules, list):
        for rule in rules:
            share = "" if rule["rollout"] == "100" else f", for {rule['rollout']} % of keys"
            sys.stdout.write(f"{rule['id']}  {rule['severity']}, {rule['score']}, {rule['mode']}{share}\n")
        if report["memory"] is not None:
            for line in told(msgspec.convert(report["memory"], Memory)):
                sys.stdout.write(f"{line}\n")
        sys.stdout.write(f"{file}: {counted(len(rules), 'rule')}, version {report['version']}\n")


def counted(number: int, what: str) -> str:
    """Return a number with what it counts, in the plural where it has to be."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
