"""What the launcher says when Java or Maven is missing, and what it makes of a Maven that fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from kafka_local.command import main
from kafka_local.errors import MissingToolError, PreparationError
from kafka_local.guard import Guard
from kafka_local.jars import libraries
from kafka_local.settings import Settings
from kafka_local.toolchain import find_java, find_maven, java_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FETCHING = 'for a; do case "$a" in -DoutputDirectory=*) d="${a#*=}"; esac; done; mkdir "$d" && echo jar > "$d/a.jar"'


@pytest.fixture
def guard() -> Iterator[Guard]:
    """Give a guard, released after the test."""
    guard = Guard()
    yield guard
    guard.release()


def settings_for(folder: Path) -> Settings:
    """Return settings whose PATH is ``folder``/bin and the shell's own tools, and nothing of this machine else."""
    return Settings.from_env({"PATH": f"{folder / 'bin'}:/bin", "KAFKA_LOCAL_CACHE": str(folder / "cache")})


def install(folder: Path, name: str, script: str) -> None:
    """Put a command ``name`` that runs the shell ``script`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / name
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


def fake_java(version: str) -> str:
    """Return a script that answers like the Java of ``version``."""
    return f"""echo 'openjdk version "{version}" 2025-04-15' >&2"""


@pytest.mark.parametrize(
    ("version", "feature"), [("1.8.0_392", 8), ("11.0.2", 11), ("17.0.15", 17), ("21", 21), ("26-ea", 26)]
)
def test_the_feature_release_is_read_from_what_java_prints(version: str, feature: int) -> None:
    """Both the old form of version numbers and the new one are understood."""
    assert java_version(f'Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version "{version}" 2025-04-15') == feature


def test_a_missing_java_is_told_with_what_to_install(tmp_path: Path) -> None:
    """One sentence names the need and the packages of Debian, Ubuntu and macOS; the exit code is 2."""
    with pytest.raises(MissingToolError, match=r"Java 17 or newer.*openjdk-17-jre-headless.*brew") as error:
        find_java(Settings.from_env({"PATH": str(tmp_path)}))
    assert error.value.exit_code == 2


def test_a_java_that_is_too_old_is_named(tmp_path: Path) -> None:
    """The sentence says which Java was found, so that nobody installs what they already have."""
    install(tmp_path / "bin", "java", fake_java("1.8.0_392"))
    with pytest.raises(MissingToolError, match=r"too old: .*/java is Java 8"):
        find_java(settings_for(tmp_path))


def test_the_stub_that_macos_ships_counts_as_no_java(tmp_path: Path) -> None:
    """A java that only says that there is none is not found."""
    install(tmp_path / "bin", "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    with pytest.raises(MissingToolError, match="not found"):
        find_java(Settings.from_env({"PATH": str(tmp_path / "bin")}))


def test_java_home_comes_first_unless_it_is_too_old(tmp_path: Path) -> None:
    """JAVA_HOME wins over PATH, but an old one does not hide a Java that would do."""
    install(tmp_path / "home" / "bin", "java", fake_java("21.0.1"))
    install(tmp_path / "old" / "bin", "java", fake_java("11.0.1"))
    install(tmp_path / "bin", "java", fake_java("17.0.1"))
    path = {"PATH": str(tmp_path / "bin")}
    assert find_java(Settings.from_env({**path, "JAVA_HOME": str(tmp_path / "home")})).version == 21
    assert find_java(Settings.from_env({**path, "JAVA_HOME": str(tmp_path / "old")})).version == 17


def test_a_missing_maven_is_told_with_what_to_install(tmp_path: Path) -> None:
    """One sentence says what Maven is for and how to get it."""
    with pytest.raises(MissingToolError, match=r"Maven.*apt-get install .* maven.*brew install .* maven"):
        find_maven(Settings.from_env({"PATH": str(tmp_path)}))


def test_the_command_ends_with_2_and_one_line_without_java(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person sees one line on standard error, and no traceback."""
    environment = {"PATH": str(tmp_path), "KAFKA_LOCAL_CACHE": str(tmp_path), "KAFKA_LOCAL_STATE": str(tmp_path)}
    assert main(["--detached"], environment, parent=0) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("kafka_local: Kafka needs Java 17 or newer")
    assert len(captured.err.splitlines()) == 1


def test_jars_are_fetched_once_by_whoever_comes_first(tmp_path: Path, guard: Guard) -> None:
    """Two that start at the same time run Maven once, and both get the whole folder."""
    install(tmp_path / "bin", "mvn", f"echo run >> '{tmp_path}/runs'; {FETCHING}")
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(libraries(settings_for(tmp_path), guard))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert (tmp_path / "runs").read_text() == "run\n"
    assert [(folder / "a.jar").read_text() for folder in found] == ["jar\n", "jar\n"]


def test_maven_is_not_needed_once_the_jars_are_there(tmp_path: Path, guard: Guard) -> None:
    """With the jars in the cache a machine without Maven goes on."""
    install(tmp_path / "bin", "mvn", FETCHING)
    fetched = libraries(settings_for(tmp_path), guard)
    (tmp_path / "bin" / "mvn").unlink()
    assert libraries(settings_for(tmp_path), guard) == fetched


def test_a_maven_that_fails_leaves_no_half_and_is_quoted(tmp_path: Path, guard: Guard) -> None:
    """The error shows what Maven said, and the next run starts afresh."""
    install(tmp_path / "bin", "mvn", f"{FETCHING}; echo 'no route to the registry'; exit 3")
    with pytest.raises(PreparationError, match=r"exit code 3.*\nno route to the registry"):
        libraries(settings_for(tmp_path), guard)
    install(tmp_path / "bin", "mvn", FETCHING)
    assert [jar.name for jar in libraries(settings_for(tmp_path), guard).iterdir()] == ["a.jar"]


def test_a_cache_that_can_not_be_made_is_named_with_the_variable(tmp_path: Path, guard: Guard) -> None:
    """A file in the way of the cache folder is told in a sentence that says how to choose another."""
    install(tmp_path / "bin", "mvn", FETCHING)
    (tmp_path / "cache").touch()
    with pytest.raises(PreparationError, match=r"no jars can be kept in .*KAFKA_LOCAL_CACHE"):
        libraries(settings_for(tmp_path), guard)
