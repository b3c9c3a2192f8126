"""From the body of a version to rules at work, and from a file to a body."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from detector.rules.keys import GATHERED, hops_for, logs_of
from detector.rules.loading import keys_in, load_rules, text_of
from detector.rules.problems import RuleFileUnreadableError
from pipeline.contracts.rule_bodies import RuleBody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.rule_bodies import Constant


def at_work(body: RuleBody, logs: Logs = (GATHERED,)) -> RuleSet:
    """Return the rules at work; ``logs`` as for :func:`~detector.rules.loading.load_rules`.

    Raises:
        RuleFileError: there is anything wrong with them.

    """
    return load_rules(body.name, body.text, body.variables, reader_of(body), logs)


def keys_of(body: RuleBody) -> list[list[str]]:
    """Return the keys that its rules ask for, as far as it can be read."""
    return keys_in(body.text, body.variables, reader_of(body))


def reader_of(body: RuleBody) -> Callable[[str], str]:
    """Return what reads the files beside the rules, which raises RuleFileUnreadableError for any other."""

    def read(name: str) -> str:
        if name not in body.files:
            raise RuleFileUnreadableError(f"{name} is not part of this version")
        return body.files[name]

    return read


def body_of(path: Path, variables: Mapping[str, Constant], logs: Logs | None = None) -> tuple[RuleBody, RuleSet]:
    """Return a file as a body, and its rules at work; without ``logs`` in a deployment that is made for its keys.

    Raises:
        RuleFileUnreadableError: it is not there, or holds no text.
        RuleFileError: there is anything wrong with what it says.

    """
    files: dict[str, str] = {}

    def read(name: str) -> str:
        files[name] = text_of(path.parent / name)
        return files[name]

    text = text_of(path)
    if logs is None:
        logs = logs_of(hops_for(keys_in(text, variables, read)))
    rules = load_rules(str(path), text, variables, read, logs)
    return RuleBody(PurePath(path).name, text, files, variables), rules
