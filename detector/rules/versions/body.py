"""What a version of rules holds: all that it takes to load it again, wherever it came from. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from detector.rules.keys import GATHERED, hops_for, logs_of
from detector.rules.loading import keys_in, load_rules, text_of
from detector.rules.problems import RuleFileUnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from detector.rules.expressions.names import Constant
    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet


class BrokenVersionError(Exception):
    """A version cannot be read as it stands in the topic."""


@dataclass(frozen=True, slots=True)
class RuleBody:
    """A file of rules with the files beside it that its lists name, by name, and the variables of the deployment."""

    name: str
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Constant] = field(default_factory=dict)

    def load(self, logs: Logs = (GATHERED,)) -> RuleSet:
        """Return the rules at work; ``logs`` as for :func:`~detector.rules.loading.load_rules`.

        Raises:
            RuleFileError: there is anything wrong with them.

        """
        return load_rules(self.name, self.text, self.variables, self.read_file, logs)

    def keys(self) -> list[list[str]]:
        """Return the keys that its rules ask for, as far as it can be read."""
        return keys_in(self.text, self.variables, self.read_file)

    def encoded(self) -> bytes:
        """Return it as bytes, the same for the same content."""
        content = _Encoded(
            name=self.name,
            text=self.text,
            files=dict(self.files),
            variables={name: _written(value) for name, value in self.variables.items()},
        )
        return msgspec.json.encode(content, order="deterministic")

    def read_file(self, name: str) -> str:
        """Return the text of a file beside the rules.

        Raises:
            RuleFileUnreadableError: it is not part of this version.

        """
        if name not in self.files:
            raise RuleFileUnreadableError(f"{name} is not part of this version")
        return self.files[name]


def decoded(encoded: bytes) -> RuleBody:
    """Return a body of its bytes.

    Raises:
        BrokenVersionError: they are none.

    """
    try:
        found = msgspec.json.decode(encoded, type=_Encoded)
        variables = {name: _read(value) for name, value in found.variables.items()}
    except (msgspec.DecodeError, ArithmeticError, ValueError) as error:
        raise BrokenVersionError(f"its body cannot be read: {error}") from None
    return RuleBody(found.name, found.text, found.files, variables)


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


class _Variable(msgspec.Struct, omit_defaults=True):
    number: str | None = None
    text: str | None = None
    truth: bool | None = None
    numbers: list[str] | None = None
    texts: list[str] | None = None


class _Encoded(msgspec.Struct):
    name: str
    text: str
    files: dict[str, str]
    variables: dict[str, _Variable]


def _written(value: Constant) -> _Variable:
    if isinstance(value, bool):
        return _Variable(truth=value)
    if isinstance(value, Decimal):
        return _Variable(number=str(value))
    if isinstance(value, str):
        return _Variable(text=value)
    texts = sorted(map(str, value))
    return _Variable(numbers=texts) if any(isinstance(one, Decimal) for one in value) else _Variable(texts=texts)


def _read(value: _Variable) -> Constant:
    if value.truth is not None:
        return value.truth
    if value.number is not None:
        return Decimal(value.number)
    if value.text is not None:
        return value.text
    if value.numbers is not None:
        return frozenset(map(Decimal, value.numbers))
    return frozenset(value.texts or ())
