"""Environment variables, each declared once, and read so that all that is wrong is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Variable(Generic[T_co]):
    """One environment variable.

    ``parse`` turns its text into a value, or raises ValueError with what was expected ("a number above 0").
    ``default`` is text as well, as one would write it in ``.env``; an unset and an empty variable mean the same.
    """

    name: str
    parse: Callable[[str], T_co]
    default: str
    description: str
    secret: bool = False


@dataclass(slots=True)
class Environment:
    """Reads variables from a mapping and collects every problem, for one error at the end."""

    values: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def read(self, variable: Variable[T]) -> T:
        """Return the variable's value; where it is bad, note the problem and return the default."""
        text = self.values.get(variable.name, "")
        if not variable.secret or not text.strip():  # a password may begin with a blank
            text = text.strip()
        try:
            return variable.parse(text or variable.default)
        except ValueError as error:
            shown = "the value given" if variable.secret else repr(text[:MAX_SHOWN_CHARACTERS])
            self.reject(variable, f"must be {error}, not {shown}")
            return variable.parse(variable.default)

    def reject(self, variable: Variable[T], why: str) -> None:
        """Note a problem that concerns a variable, such as one that only shows beside another variable."""
        problem = f"{variable.name} {why}"
        if problem not in self.problems:  # a variable that several parts read is told once
            self.problems.append(problem)

    def check(self) -> None:
        """End the reading.

        Raises:
            SettingsError: something was wrong; it lists all of it.

        """
        if self.problems:
            raise SettingsError(tuple(self.problems))
