"""Makes once, per Java and set of jars, what every later start is quick by.

Two files: the checkpoint of feature levels that StorageTool writes into a new node, and an archive of the classes that
a broker loads on its way up, in the form Java maps into memory (class-data sharing): both together more than halve the
time to a serving node. The archive is made by a broker of its own that starts and stops, since dumping it takes a
Java process some seconds at its end, which no one wants at the end of their own.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from kafka_local.errors import BrokerFailedError
from kafka_local.installation import Installation
from kafka_local.jars import libraries
from kafka_local.locks import locked
from kafka_local.node import Node
from kafka_local.ports import free_port
from kafka_local.properties import Endpoint, broker_properties, render
from kafka_local.storage import format_with_tool
from kafka_local.toolchain import find_java

if TYPE_CHECKING:
    from kafka_local.guard import Guard
    from kafka_local.settings import Settings

ARCHIVED_WITHIN_SECONDS = 60.0

logger = logging.getLogger(__name__)


def prepared_installation(settings: Settings, guard: Guard) -> Installation:
    """Return an installation that is ready to start nodes; fetches and prepares what is missing.

    Processes that come at the same time wait for the first one. Raises MissingToolError and PreparationError; without
    the archive of classes, which some builds of Java can not make, starts are only slower.
    """
    java = find_java(settings)
    installation = Installation(java, libraries(settings, guard), settings.environment)
    if not installation.prepared.is_dir():
        with locked(settings.cache / "prepared.lock", "preparing quick starts"):
            if not installation.prepared.is_dir():
                _prepare(installation, guard)
    return installation


def _prepare(installation: Installation, guard: Guard) -> None:
    logger.info("preparing quick starts with Java %s (once)", installation.java.version)
    partial = installation.prepared.with_name(f"{installation.prepared.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    folder = guard.scratch / "rehearsal"
    folder.mkdir()
    client_port = free_port(())
    endpoint = Endpoint(1, client_port, free_port((client_port,)))
    (folder / "server.properties").write_text(render(broker_properties(1, [endpoint], {})))
    shutil.copy(format_with_tool(folder, installation, guard), partial / installation.checkpoint.name)
    archive = partial / installation.archive.name
    node = Node(endpoint, folder, installation, guard, (f"-XX:ArchiveClassesAtExit={archive}",))
    try:
        node.start()
        if not node.stop(ARCHIVED_WITHIN_SECONDS):
            archive.unlink(missing_ok=True)  # half of one is worse than none
    except BrokerFailedError as error:
        logger.warning("no archive of classes, so starts stay slow: %s", error)
    finally:
        node.kill()
    partial.rename(installation.prepared)
    shutil.rmtree(folder, ignore_errors=True)
