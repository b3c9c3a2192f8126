"""The command about cases: which numbers it takes, and what it says of those that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fraud_processor.command import main
from tests.support.case_files import opened, put_frauds

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "99999999999999999999"], "a whole number from 1 to 2147483647"),
        (["acknowledge", "2147483648"], "a whole number from 1 to 2147483647"),
        (["show", "0"], "a whole number from 1 to 2147483647"),
        (["show", "1", "--most", "-1"], "a whole number from 1 to 1000"),
        (["list", "--most", "-1"], "a whole number from 1 to 1000"),
        (["list", "--most", "0"], "a whole number from 1 to 1000"),
        (["list", "--most", "1001"], "a whole number from 1 to 1000"),
        (["note", "1", "--note", " "], "it has to say something"),
        (["close", "1", "--by", "\u3000"], "it has to say something"),
    ],
    ids=str,
)
def test_what_no_database_takes_is_refused_before(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], expected: str
) -> None:
    """With what was expected: no traceback, not all cases at once, and not that there are none."""
    with pytest.raises(SystemExit) as ended:
        main(arguments, {"CASES_DATABASE_URL": "sqlite:///nowhere/cases.sqlite"})
    assert ended.value.code == 2
    assert expected in " ".join(capsys.readouterr().err.split())


def test_the_greatest_numbers_are_asked_for(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bounds are those of the databases."""
    with opened(empty_database):
        assert main(["show", "2147483647"], {"CASES_DATABASE_URL": empty_database}) == 1
        assert "there is no case 2147483647" in capsys.readouterr().err
        assert main(["list", "--most", "1000"], {"CASES_DATABASE_URL": empty_database}) == 0


def test_a_false_alarm_is_released_by_a_command_of_its_own(
    empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where that was not said when it was resolved; once."""
    with opened(empty_database) as engine:
        put_frauds(engine, "A1")
        values = {"CASES_DATABASE_URL": empty_database}
        assert main(["release", "1"], values) == 1
        assert main(["resolve", "1", "--as", "false-alarm", "--by", "ann"], values) == 0
        assert main(["release", "1", "--by", "ann"], values) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "case 1: release by ann"
        assert main(["release", "1"], values) == 1
        assert "its payments are released already" in capsys.readouterr().err
