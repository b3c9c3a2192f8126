"""Variables read from a mapping: defaults, and every problem told at once."""

from __future__ import annotations

import pytest

from pipeline.errors import EXIT_USAGE, SettingsError
from pipeline.runtime import parsing
from pipeline.runtime.environment import MAX_SHOWN_CHARACTERS, Environment, Variable

SIZE = Variable("SIZE", parsing.whole_number(1, 9), "3", "A size.")
COLOUR = Variable("COLOUR", parsing.choice("red", "blue"), "red", "A colour.")
SECRET = Variable("SECRET", parsing.whole_number(1, 9), "1", "Nobody's business.", secret=True)


@pytest.mark.parametrize("values", [{}, {"SIZE": ""}, {"SIZE": "  "}, {"SIZE": "\t\n"}])
def test_an_unset_and_an_empty_variable_mean_the_default(values: dict[str, str]) -> None:
    """A line ``SIZE=`` in a file of settings is no error."""
    env = Environment(values)
    assert env.read(SIZE) == 3
    env.check()


def test_blanks_around_a_value_do_not_count() -> None:
    """Files of settings have them without meaning them."""
    assert Environment({"SIZE": " 7 "}).read(SIZE) == 7


def test_every_problem_is_told_at_once() -> None:
    """Nobody has to start a service five times to learn of five mistakes."""
    env = Environment({"SIZE": "huge", "COLOUR": "green"})
    assert (env.read(SIZE), env.read(COLOUR)) == (3, "red")
    env.reject(SIZE, "is too large for that colour")
    with pytest.raises(SettingsError) as bad:
        env.check()
    assert bad.value.problems == (
        "SIZE must be a whole number from 1 to 9, not 'huge'",
        "COLOUR must be one of red, blue, not 'green'",
        "SIZE is too large for that colour",
    )
    assert bad.value.exit_code == EXIT_USAGE == 2
    assert str(bad.value).splitlines() == ["bad settings:", *(f"  {problem}" for problem in bad.value.problems)]


def test_a_secret_is_not_told() -> None:
    """What was given for a secret stays out of every message."""
    env = Environment({"SECRET": "hunter2"})
    env.read(SECRET)
    assert env.problems == ["SECRET must be a whole number from 1 to 9, not the value given"]


def test_a_long_value_is_told_in_part() -> None:
    """A file pasted into a variable does not fill the screen."""
    env = Environment({"SIZE": "x" * 100_000})
    env.read(SIZE)
    assert len(env.problems[0]) < MAX_SHOWN_CHARACTERS + 100


def test_a_hostile_value_is_told_on_one_line() -> None:
    """Control characters are escaped where a bad value is quoted."""
    env = Environment({"SIZE": "1\x1b[2J\n2"})
    env.read(SIZE)
    assert env.problems[0].isprintable()
