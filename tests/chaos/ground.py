"""The Kafkas that faults happen on, and what stands around them: a proxy, a small disk."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_local import Cluster
from kafka_local.ports import free_port
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

DISK_MIB = 512
FILLER = "filler"
BLOCK = bytes(1 << 20)


class NotHereError(Exception):
    """What a fault needs cannot be done on this machine; the sentence says what is missing."""


class Disk:
    """A file system of its own, in memory, that can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room."""
        try:
            with (self.folder / FILLER).open("wb", buffering=0) as filler:
                while True:
                    filler.write(BLOCK)
        except OSError:
            return

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / FILLER).unlink()


@dataclass(frozen=True)
class Ground:
    """A Kafka, and where there is one, the proxy that its front leads through, or the disk that it lives on."""

    cluster: Cluster
    _proxy: Proxy | None = None
    _disk: Disk | None = None

    @property
    def proxy(self) -> Proxy:
        """Return the proxy."""
        if self._proxy is None:
            raise NotHereError("this Kafka has no proxy in front")
        return self._proxy

    @property
    def disk(self) -> Disk:
        """Return the disk."""
        if self._disk is None:
            raise NotHereError("this Kafka has no disk of its own")
        return self._disk


@contextmanager
def lone() -> Iterator[Ground]:
    """Yield one node, with a proxy for whoever wants to come through it."""
    with Proxy(free_port(())) as proxy, Cluster(fronts=[proxy.port]) as cluster:
        proxy.target = cluster.nodes[0].back_port or 0
        yield Ground(cluster, proxy)


@contextmanager
def three() -> Iterator[Ground]:
    """Yield three nodes, of which one may be missing."""
    with Cluster(nodes=3) as cluster:
        yield Ground(cluster)


@contextmanager
def forgetful() -> Iterator[Ground]:
    """Yield one node that forgets producers and their transactional ids after two seconds without a write."""
    properties = {
        "producer.id.expiration.ms": "2000",
        "producer.id.expiration.check.interval.ms": "500",
        "transactional.id.expiration.ms": "2000",
        "transaction.remove.expired.transaction.cleanup.interval.ms": "500",
    }
    with Cluster(properties=properties) as cluster:
        yield Ground(cluster)


@contextmanager
def cramped() -> Iterator[Ground]:
    """Yield one node on a small disk of its own."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHereError(f"a small file system takes the right to mount one: {done.stderr.strip()}")
        try:
            with Cluster(data=Path(folder) / "kafka") as cluster:
                yield Ground(cluster, _disk=Disk(Path(folder)))
        finally:
            subprocess.run(["umount", folder], check=True)


GROUNDS: dict[str, Callable[[], AbstractContextManager[Ground]]] = {
    "one node": lone,
    "three nodes": three,
    "one node that forgets": forgetful,
    "one node on a small disk": cramped,
}
