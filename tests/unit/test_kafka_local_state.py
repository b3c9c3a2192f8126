"""The file that announces a running Kafka, and whom it is believed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kafka_local.command import main
from kafka_local.settings import Settings
from kafka_local.state import announced, running_address

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ADDRESS = "127.0.0.1:20001,127.0.0.1:20003"


def environment_for(folder: Path) -> dict[str, str]:
    """Return an environment whose announcements live in ``folder``."""
    return {"KAFKA_LOCAL_STATE": str(folder)}


def test_an_announced_kafka_is_found_until_it_stops(tmp_path: Path) -> None:
    """The address is there within the block, with the launcher's pid in the file, and nothing is after it."""
    environment = environment_for(tmp_path)
    with announced(Settings.from_env(environment), ADDRESS) as is_announced:
        assert is_announced
        assert running_address(environment) == ADDRESS
        assert (tmp_path / "address").read_text().splitlines() == [ADDRESS, str(os.getpid())]
    assert running_address(environment) is None
    assert not (tmp_path / "address").exists()


def test_a_file_that_its_launcher_could_not_remove_is_not_believed(tmp_path: Path) -> None:
    """The file of a dead launcher is stale even where its pid belongs to a living process by now."""
    (tmp_path / "address").write_text(f"{ADDRESS}\n{os.getpid()}\n")
    assert running_address(environment_for(tmp_path)) is None


def test_a_stale_file_is_taken_over(tmp_path: Path) -> None:
    """A new launcher announces itself in place of a dead one."""
    (tmp_path / "address").write_text("127.0.0.1:1\n1\n")
    environment = environment_for(tmp_path)
    with announced(Settings.from_env(environment), ADDRESS):
        assert running_address(environment) == ADDRESS


def test_the_first_of_two_stays_announced(tmp_path: Path) -> None:
    """A second launcher is told that it is not announced, and takes nothing away when it ends."""
    environment = environment_for(tmp_path)
    with announced(Settings.from_env(environment), ADDRESS):
        with announced(Settings.from_env(environment), "127.0.0.1:2") as is_announced:
            assert not is_announced
        assert running_address(environment) == ADDRESS


def test_no_folder_means_that_nothing_runs(tmp_path: Path) -> None:
    """Looking creates nothing."""
    folder = tmp_path / "none"
    assert running_address(environment_for(folder)) is None
    assert not folder.exists()


def test_the_address_is_printed_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--address prints the address alone and returns 0, or says on standard error that nothing runs and returns 1."""
    environment = environment_for(tmp_path)
    with announced(Settings.from_env(environment), ADDRESS):
        assert main(["--address"], environment, parent=0) == 0
    assert capsys.readouterr().out == f"{ADDRESS}\n"
    assert main(["--address"], environment, parent=0) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no Kafka runs" in captured.err
