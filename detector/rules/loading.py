"""From the text of a file to rules at work, or to all that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.rules.behaviour import MISSING_CURRENCY, Behaviour
from detector.rules.expressions import Compiled, Kind, Names, compile_expression
from detector.rules.files.document import MAX_CHARACTERS
from detector.rules.files.reading import read_rules
from detector.rules.files.spec import OFF
from detector.rules.keys import GATHERED, refusal, stage_of
from detector.rules.listing import lists_at_work
from detector.rules.problems import Problem, RuleFileUnreadableError, placed
from detector.rules.rule import Rule
from detector.rules.ruleset import RuleSet
from detector.rules.templates import Template, compile_template
from detector.rules.windows.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from detector.rules.expressions.parts import Fault
    from detector.rules.files.list_entries import ReadFile
    from detector.rules.files.spec import FileSpec, RuleSpec
    from detector.rules.keys import Logs
    from pipeline.contracts.rule_bodies import Constant


class RuleFileError(Exception):
    """A file of rules that cannot be loaded, with everything that is wrong with it, in the order of its lines."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        self._name = name
        super().__init__("\n".join(self.told()))

    def told(self) -> list[str]:
        """Return a sentence for each problem, with its place."""
        return [problem.in_file(self._name) for problem in self.problems]


def load_file(path: Path, variables: Mapping[str, Constant] | None = None) -> RuleSet:
    """Return the rules of a file.

    Raises:
        RuleFileUnreadableError: it is not there, or holds no text.
        RuleFileError: there is anything wrong with what it says.

    """
    return load_rules(str(path), text_of(path), variables, lambda name: text_of(path.parent / name))


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        RuleFileUnreadableError: it is not there, or holds no text.

    """
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_CHARACTERS + 1).decode("utf-8-sig")
    except OSError as error:
        raise RuleFileUnreadableError(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RuleFileUnreadableError(f"it is no UTF-8 at byte {error.start}") from None


def _no_files(name: str) -> str:
    raise RuleFileUnreadableError(f"there are no files beside it, and no {name}")


def load_rules(
    name: str,
    text: str,
    variables: Mapping[str, Constant] | None = None,
    read_file: ReadFile = _no_files,
    logs: Logs = (GATHERED,),
) -> RuleSet:
    """Return the rules that a file holds; ``name`` is for its errors.

    ``variables`` are those that the deployment sets; a file may not set them itself. ``read_file`` returns the text of
    a file beside it, for its lists. ``logs`` has for each stage the names by which its log is partitioned (``keys``).

    Raises:
        RuleFileError: there is anything wrong with it.

    """
    problems: list[Problem] = []
    spec = read_rules(text, problems, read_file, variables or {})
    if spec is None:
        raise RuleFileError(name, problems)
    known = {**spec.variables, **(variables or {})}
    names = Names(spec.members, known)
    plans = [Plan(spec.lateness_us) for _ in logs]
    stages = {rule.id: _stage(rule, logs, names, problems) for rule in spec.rules}
    rules = [_compiled(rule, spec, names, plans[stages[rule.id]], problems) for rule in spec.rules]
    denies, allows = lists_at_work(spec, names, problems)
    if problems:
        raise RuleFileError(name, problems)
    in_force = [rule for rule in rules if rule is not None and rule.in_force]
    settled = _settled(spec, {name: known[name] for name in names.used})
    judged_at = [(plan, [rule for rule in stages if stages[rule] == number]) for number, plan in enumerate(plans)]
    if any(plan.keys for plan in plans):
        settled["lateness_us"] = spec.lateness_us
    return RuleSet([*denies, *in_force], allows, spec.threshold, settled, judged_at)


def _stage(rule: RuleSpec, logs: Logs, names: Names, problems: list[Problem]) -> int:
    """Return at which stage a rule is judged: at the first without a key, and where something is wrong with it."""
    key = [scalar.text for scalar in rule.key]
    refused = refusal(key, logs) if key and all(names.find(name) for name in key) else None
    if refused is not None:
        problems.append(Problem(rule.key[0].line, rule.key[0].column, refused, rule.id))
    return stage_of(key, logs) or 0


def keys_in(text: str, variables: Mapping[str, Constant], read_file: ReadFile) -> list[list[str]]:
    """Return the keys that the rules of a file ask for, whether anything else is wrong with it or not."""
    spec = read_rules(text, [], read_file, variables)
    return [] if spec is None else [[scalar.text for scalar in rule.key] for rule in spec.rules]


def _settled(spec: FileSpec, variables: Mapping[str, Constant]) -> dict[str, object]:
    return {
        "timezone": spec.timezone.key,
        "members": {name: kind.name for name, kind in spec.members.items()},
        "variables": {
            name: sorted(map(str, value)) if isinstance(value, frozenset) else str(value)
            for name, value in variables.items()
        },
    }


def _compiled(rule: RuleSpec, spec: FileSpec, names: Names, plan: Plan, problems: list[Problem]) -> Rule | None:
    before = len(problems)
    # What is off asks nothing of the past.
    asked = Behaviour(rule, names, spec.timezone, Plan() if rule.mode == OFF else plan, problems)
    sequence, history = asked.sequence(), asked.history
    when: Compiled | list[Fault] | None = None
    if rule.when.text or not rule.sequence:
        when = compile_expression(rule.when.text, Kind.TRUTH, names, spec.timezone, history)
    message: Template | list[Fault] | None = None
    if rule.message is not None:
        message = compile_template(rule.message.text, names, spec.timezone, history)
        if isinstance(message, list):
            problems += placed(message, rule.message, rule.id)
    if isinstance(when, list):
        if rule.when.text:
            problems += placed(when, rule.when, rule.id)
    elif when is not None and when.mixes_money and rule.currency is None:
        problems.append(Problem(rule.when.line, rule.when.column, MISSING_CURRENCY, rule.id))
    if len(problems) > before or isinstance(when, list) or isinstance(message, list):
        return None
    if rule.sequence and sequence is None:
        return None  # what is missing beside it is told already
    return Rule(rule, when, message, sequence, history)
