"""A Java and a folder of jars, and the command lines that run a class of Kafka with them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kafka_local.toolchain import Java

# Compiling well takes longer than most of our runs last. Measured on two processors: with C2 and G1 a broker took half
# as long again to start, and 5.3 s instead of 3.5 s of processor time for its first 300,000 records; after 900,000 it
# was not ahead yet.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
# A killed Java would leave its performance data in the system's temporary folder.
NO_TRACES = ("-XX:-UsePerfData",)
# An archive of classes that does not fit is not worth a word: Java goes on without it.
ONLY_ERRORS = ("-Xlog:disable", "-Xlog:all=error:stderr")

BROKER_LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
TOOL_LOGGING = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)


@dataclass(frozen=True, slots=True)
class Installation:
    """Kafka as it can be run: a Java, a folder of jars, and the environment to which child processes are born."""

    java: Java
    libraries: Path
    inherited: Mapping[str, str]

    @property
    def prepared(self) -> Path:
        """Return the folder of what is made once per Java; it may not be there yet.

        Inside the jars' folder, because an archive of classes goes by the very files it was made from.
        """
        return self.libraries / f"prepared-{self.java.build}"

    @property
    def checkpoint(self) -> Path:
        """Return the file of feature levels that every newly formatted node starts from."""
        return self.prepared / "bootstrap.checkpoint"

    @property
    def archive(self) -> Path:
        """Return the archive of classes in the form Java maps into memory; it is optional."""
        return self.prepared / "classes.jsa"

    def command(self, main_class: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs ``main_class``; it needs ``environment`` to find it.

        ``options`` go to Java and win over ours.
        """
        archive = (f"-XX:SharedArchiveFile={self.archive}",) if self.archive.is_file() else ()
        return [str(self.java.path), *QUICK_START, *NO_TRACES, *ONLY_ERRORS, *archive, *options, main_class, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for ``command``: the inherited one with the class path in it.

        There, and not on the command line, it does not fill a screen of ``ps``. Jar by jar and sorted, because an
        archive of classes is only good for the order of jars it was made with.
        """
        jars = sorted(str(jar) for jar in self.libraries.glob("*.jar"))
        return {**self.inherited, "CLASSPATH": os.pathsep.join(jars)}
