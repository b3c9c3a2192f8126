"""The folder that a cluster's data lives in, and the file in it that lets a later run go on with it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from kafka_local.errors import RequestError
from kafka_local.locks import try_lock
from kafka_local.ports import free_port, is_free
from kafka_local.properties import Endpoint
from kafka_local.storage import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IDENTITY = "cluster.json"


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same as long as the data does; the ports only as long as they are free."""

    cluster_id: str
    endpoints: tuple[Endpoint, ...]


def occupy(folder: Path) -> int:
    """Create ``folder`` where it is missing and lock it; the lock lasts until the returned descriptor is closed.

    Raises RequestError when another cluster runs on it, or it can not be written to.
    """
    try:
        lock = try_lock(folder / "lock")
    except OSError as error:
        raise RequestError(f"no data can be kept in {folder}: {error.strerror}") from error
    if lock is None:
        raise RequestError(f"another Kafka runs on {folder}: stop it, or name another folder")
    return lock


def settle_identity(folder: Path, nodes: int, port: int | None, fronts: Sequence[int] = ()) -> Identity:
    """Return who the cluster in ``folder`` is, for ``nodes`` nodes, and write it down there.

    Node 1's client port is ``port`` where given, the front ports are ``fronts``. Every other port is the one it had,
    else a free one. Raises RequestError where the folder's data is that of another number of nodes, or ``port`` is in
    use.
    """
    known = _read(folder)
    if known is not None and len(known.endpoints) != nodes:
        raise RequestError(f"{folder} holds the data of {len(known.endpoints)} node(s), not of {nodes}")
    if port is not None and not is_free(port):
        raise RequestError(f"port {port} is in use: stop who uses it, or name another")
    had = known.endpoints if known else (None,) * nodes
    taken: set[int] = {*fronts} if port is None else {port, *fronts}
    endpoints = []
    for node_id, before in enumerate(had, start=1):
        first = port if node_id == 1 else None
        client = first if first is not None else _port(before.client_port if before else None, taken)
        taken.add(client)
        controller = _port(before.controller_port if before else None, taken)
        taken.add(controller)
        if not fronts:
            endpoints.append(Endpoint(node_id, client, controller))
            continue
        back = _port(before.back_port if before else None, taken)
        taken.add(back)
        endpoints.append(Endpoint(node_id, client, controller, fronts[node_id - 1], back))
    identity = Identity(known.cluster_id if known else new_id(), tuple(endpoints))
    _write(folder, identity)
    return identity


def _port(before: int | None, taken: set[int]) -> int:
    if before is not None and before not in taken and is_free(before):
        return before
    return free_port(taken)


def _read(folder: Path) -> Identity | None:
    try:
        text = (folder / IDENTITY).read_text()
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        return Identity(found["cluster_id"], tuple(Endpoint(**endpoint) for endpoint in found["endpoints"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{folder / IDENTITY} is not one of ours: {error!r}") from error


def _write(folder: Path, identity: Identity) -> None:
    aside = folder / f"{IDENTITY}.new"
    aside.write_text(json.dumps(asdict(identity), indent=2) + "\n")
    os.replace(aside, folder / IDENTITY)  # noqa: PTH105 says that it replaces
