"""Formats a new node's data folder, the way Kafka's own StorageTool does."""

from __future__ import annotations

import base64
import shutil
import uuid
from typing import TYPE_CHECKING

from kafka_local.errors import PreparationError
from kafka_local.properties import LOG_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_local.guard import Guard
    from kafka_local.installation import Installation

FORMATTED_WITHIN_SECONDS = 60
CHECKPOINT = "bootstrap.checkpoint"
META_PROPERTIES = "meta.properties"


def new_id() -> str:
    """Return a random id as Kafka writes them: 22 characters of base64, the first one not a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def format_node(folder: Path, node_id: int, cluster_id: str, checkpoint: Path) -> None:
    """Format the data of the node in ``folder``; a node that is formatted already keeps what it has.

    With static voters StorageTool writes two files: ids, and a checkpoint of feature levels that names neither node nor
    cluster (two of its outputs differ in nothing but time stamps). So the checkpoint it wrote once is copied, which
    saves a Java process for each node. The ids come last: Kafka takes a folder that has them as formatted.
    """
    data = folder / LOG_FOLDER
    if (data / META_PROPERTIES).is_file():
        return
    data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint, data / CHECKPOINT)
    ids = f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_id()}\n"
    aside = data / f"{META_PROPERTIES}.new"
    aside.write_text(ids)
    aside.rename(data / META_PROPERTIES)


def format_with_tool(folder: Path, installation: Installation, guard: Guard) -> Path:
    """Let StorageTool format the node in ``folder``, whose server.properties is there; return the checkpoint it wrote.

    Raises PreparationError with what the tool said.
    """
    command = installation.command(
        "kafka.tools.StorageTool", "format", "--cluster-id", new_id(), "--config", "server.properties"
    )
    log = folder / "format.log"
    with log.open("wb") as output:
        process = guard.spawn(command, folder=folder, environment=installation.environment, output=output)
        code = process.wait(FORMATTED_WITHIN_SECONDS)
    checkpoint = folder / LOG_FOLDER / CHECKPOINT
    if code != 0 or not checkpoint.is_file():
        raise PreparationError(f"Kafka's StorageTool failed (exit code {code}):\n{log.read_text(errors='replace')}")
    return checkpoint
