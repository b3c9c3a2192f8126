"""What a version of rules holds: all that it takes to load it again, wherever it came from. Pure.

What the texts mean is the detector's; whoever else reads them sees texts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from difflib import unified_diff
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES: Final = "variables of the deployment"  # the name of their text
# What a variable of a deployment holds: a value, or several for use behind ``in``.
Constant = Decimal | str | bool | frozenset[Decimal] | frozenset[str]


class BrokenVersionError(Exception):
    """A version cannot be read as it stands in the topic."""


@dataclass(frozen=True, slots=True)
class RuleBody:
    """A file of rules with the files beside it that its lists name, by name, and the variables of the deployment."""

    name: str
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Constant] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return it as bytes, the same for the same content."""
        content = _Encoded(
            name=self.name,
            text=self.text,
            files=dict(self.files),
            variables={name: _written(value) for name, value in self.variables.items()},
        )
        return msgspec.json.encode(content, order="deterministic")

    def texts(self) -> Mapping[str, str]:
        """Return all that it holds as texts, the one of the rules first."""
        variables = "\n".join(f"{name} = {_shown(value)}" for name, value in sorted(self.variables.items()))
        return {"rules": self.text, **dict(sorted(self.files.items())), VARIABLES: variables}


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


def differing_lines(old: RuleBody, new: RuleBody) -> list[str]:
    """Return a unified diff of the texts of two."""
    before, after = old.texts(), new.texts()
    return [
        line.rstrip("\n")
        for name in dict.fromkeys([*before, *after])
        for line in unified_diff(
            before.get(name, "").splitlines(),
            after.get(name, "").splitlines(),
            f"old/{name}",
            f"new/{name}",
            lineterm="",
        )
    ]


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


def _shown(value: Constant) -> str:
    return ", ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)
