"""Kafka's jars: fetched by Maven once, then shared by every start that has the same pom.xml."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kafka_local.errors import PreparationError
from kafka_local.locks import locked
from kafka_local.settings import CACHE_VARIABLE
from kafka_local.toolchain import find_maven

if TYPE_CHECKING:
    from kafka_local.guard import Guard
    from kafka_local.settings import Settings

POM = Path(__file__).with_name("pom.xml")
FETCHED_WITHIN_SECONDS = 900
SHOWN_LINES = 20

logger = logging.getLogger(__name__)


def kafka_version() -> str:
    """Return the version of Kafka that pom.xml names."""
    version = ET.parse(POM).findtext("*/{http://maven.apache.org/POM/4.0.0}kafka.version")  # noqa: S314 our own file
    if version is None:
        raise PreparationError(f"{POM} names no kafka.version")
    return version


def libraries(settings: Settings, guard: Guard) -> Path:
    """Return the folder with Kafka's jars, and nothing but whole ones; fetches them where they are missing.

    Raises MissingToolError where Maven is needed and missing, PreparationError where it fails.
    """
    folder = settings.cache / f"libs-{kafka_version()}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    maven = find_maven(settings)
    try:
        settings.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"no jars can be kept in {settings.cache} ({error.strerror}); {CACHE_VARIABLE} may name another folder"
        raise PreparationError(reason) from error
    with locked(settings.cache / "libs.lock", "fetching Apache Kafka"):
        if not folder.is_dir():
            _fetch(maven, folder, settings, guard)
    return folder


def _fetch(maven: Path, folder: Path, settings: Settings, guard: Guard) -> None:
    logger.info("fetching Apache Kafka %s with Maven (once)", kafka_version())
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    # In a folder of its own: Maven takes whatever .mvn folder lies above the pom for its configuration.
    workshop = guard.scratch / "maven"
    workshop.mkdir(exist_ok=True)
    pom = shutil.copy(POM, workshop)
    log = workshop / "maven.log"
    command = [str(maven), "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    with log.open("wb") as output:
        process = guard.spawn(command, folder=workshop, environment=settings.environment, output=output)
        try:
            code = process.wait(FETCHED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    if code != 0:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-SHOWN_LINES:])
        raise PreparationError(f"Maven could not fetch Apache Kafka (exit code {code}); it said:\n{said}")
    partial.rename(folder)
