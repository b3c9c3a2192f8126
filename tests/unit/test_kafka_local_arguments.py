"""The command lines of ``python -m kafka_local`` and of its tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_local import tools
from kafka_local.arguments import parse


def test_without_arguments_one_node_runs_on_temporary_data_and_free_ports() -> None:
    """The defaults are one node, nothing kept, nothing fixed."""
    options = parse([])
    assert (options.nodes, options.data, options.port, options.properties) == (1, None, None, {})
    assert (options.detached, options.verbose, options.address) == (False, False, False)


def test_every_argument_is_read() -> None:
    """Each option reaches its field; a property's value may itself hold an equals sign."""
    options = parse(
        ["--nodes", "3", "--data", "d", "--port", "9092", "--property", "a=1", "--property", "b=x=y", "--detached"]
    )
    assert (options.nodes, options.data, options.port) == (3, Path("d"), 9092)
    assert options.properties == {"a": "1", "b": "x=y"}
    assert options.detached


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nodes", "0"],
        ["--nodes", "two"],
        ["--port", "0"],
        ["--port", "65536"],
        ["--property", "a"],
        ["--prop", "a=1"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What can not be understood ends with code 2 and names the argument on standard error."""
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_help_tells_exit_codes_and_variables(capsys: pytest.CaptureFixture[str]) -> None:
    """--help is enough to use the command in a script."""
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "exit codes" in said
    assert "KAFKA_LOCAL_CACHE" in said


def test_an_unknown_tool_exits_with_2_and_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is no tool is answered with all that are."""
    with pytest.raises(SystemExit) as ended:
        tools.main(["consumer"], {})
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in tools.TOOLS)
