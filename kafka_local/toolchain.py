"""Finds Java and Maven on this machine, and says what to install where they are missing."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_local.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_local.settings import Settings

OLDEST_JAVA = 17
JAVA_ANSWERS_WITHIN_SECONDS = 30

# Homebrew keeps Java out of PATH, hence the variable.
INSTALL = (
    "on Debian or Ubuntu `apt-get install openjdk-17-jre-headless maven` (any newer Java will do), on macOS "
    '`brew install openjdk@17 maven` and `export JAVA_HOME="$(brew --prefix openjdk@17)"`'
)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that is new enough; ``build`` differs between any two builds of it."""

    path: Path
    version: int
    build: str


def find_java(settings: Settings) -> Java:
    """Return the first Java 17 or newer of ``JAVA_HOME`` and then ``PATH``.

    Raises MissingToolError, which tells apart that there is none and that it is too old.
    """
    too_old: list[str] = []
    for path in _javas(settings):
        java = _ask(path)
        if java is not None and java.version >= OLDEST_JAVA:
            return java
        if java is not None:
            too_old.append(f"{path} is Java {java.version}")
    found = f"too old: {', '.join(too_old)}" if too_old else "not found in JAVA_HOME or PATH"
    raise MissingToolError(f"Kafka needs Java {OLDEST_JAVA} or newer ({found}); install it: {INSTALL}")


def find_maven(settings: Settings) -> Path:
    """Return Maven's command; raises MissingToolError when ``PATH`` has none."""
    found = shutil.which("mvn", path=settings.search_path)
    if found is None:
        raise MissingToolError(
            f"Kafka's jars are fetched once with Maven, and there is no mvn in PATH; install it: {INSTALL}"
        )
    return Path(found)


def _javas(settings: Settings) -> Iterator[Path]:
    home = settings.environment.get("JAVA_HOME")
    if home and (found := shutil.which("java", path=str(Path(home) / "bin"))):
        yield Path(found)
    if found := shutil.which("java", path=settings.search_path):
        yield Path(found)


def _ask(path: Path) -> Java | None:
    # macOS ships a `java` that only says that there is none, so being there proves nothing.
    try:
        answer = subprocess.run(
            [path, "-version"], capture_output=True, text=True, check=True, timeout=JAVA_ANSWERS_WITHIN_SECONDS
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    version = java_version(answer)
    return None if version is None else Java(path, version, hashlib.sha256(answer.encode()).hexdigest()[:12])


def java_version(answer: str) -> int | None:
    """Return the feature release (8, 17, ...) out of what ``java -version`` prints; None when it shows none."""
    match = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(match[1]) if match else None
