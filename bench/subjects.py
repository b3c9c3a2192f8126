"""What is measured: our services, and the peers that do the same job."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.processes import ROOT
from pipeline.contracts import topics
from pipeline.runtime.database.settings import CASES_DATABASE_URL, LEDGER_DATABASE_URL

if TYPE_CHECKING:
    from pathlib import Path

    from bench.deployment import Deployment
    from bench.processes import Processes

DETECTOR: Final = "detector"
PROCESSORS: Final = ("legit_processor", "fraud_processor")
PEERS: Final = ROOT / "bench" / "peers"


@dataclass(frozen=True)
class Subject:
    """Something that reads the input and writes the branches.

    ``services`` are modules of ours, or of the copy in ``folder``; a peer has a ``script`` and the ``interpreter`` to
    run it by instead. ``share`` is the part of a backlog that it is given: those that are slower get less, and take as
    long. ``transactional`` tells whether its commits say how far it got.
    """

    name: str
    told: str
    services: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    script: Path | None = None
    interpreter: Path | None = None
    folder: Path = ROOT
    share: float = 1.0
    transactional: bool = True

    @property
    def judges(self) -> tuple[str, ...]:
        """Return the names of the processes that read the input."""
        return tuple(name for name in self.names if name not in PROCESSORS)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its processes."""
        return (self.name,) if self.script else numbered(self.services)

    @property
    def to_the_end(self) -> bool:
        """Tell whether the processors run as well."""
        return any(service in PROCESSORS for service in self.services)

    def start(self, deployment: Deployment, processes: Processes, *, quick_commits: bool) -> None:
        """Start its processes; ``quick_commits``: for latency, where a peer has to choose between the two."""
        if self.script is not None:
            interpreter = str(self.interpreter or sys.executable)
            environ = peer_environ(deployment, quick_commits=quick_commits)
            processes.start(self.name, [interpreter, str(self.script)], environ)
            return
        databases = databases_in(processes.scratch)
        for name, service in zip(self.names, self.services, strict=True):
            processes.module(name, service, deployment.environ | databases | self.variables, folder=self.folder)


def databases_in(folder: Path) -> dict[str, str]:
    """Return where processors have their databases: in files that are removed with the processes of a round.

    What an earlier round has left would make the next one slower, and what is in the project's may be somebody's own.
    """
    return {
        variable.name: f"sqlite:///{folder / variable.name.lower()}.sqlite"
        for variable in (LEDGER_DATABASE_URL, CASES_DATABASE_URL)
    }


def numbered(services: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of services, with a number for every replica of one but the first."""
    return tuple(
        f"{service}-{before + 1}" if (before := services[:at].count(service)) else service
        for at, service in enumerate(services)
    )


def peer_environ(deployment: Deployment, *, quick_commits: bool) -> dict[str, str]:
    """Return what a peer's script is set up by."""
    return {
        "BOOTSTRAP": deployment.bootstrap,
        "GROUP": deployment.group(DETECTOR),
        "INPUT": deployment.name(topics.TRANSACTIONS),
        "LEGIT": deployment.name(topics.LEGIT),
        "FRAUD": deployment.name(topics.FRAUD),
        "COMMIT_SECONDS": "0.1" if quick_commits else "1.0",
    }


def scaled(replicas: int) -> Subject:
    """Return so many detectors of one group."""
    return Subject(f"{replicas} detectors", "replicas that share the partitions", (DETECTOR,) * replicas)


OURS: Final = Subject("detector", "exactly once, record batches (the default)", (DETECTOR,))
RECORDS: Final = Subject(
    "detector, records", "exactly once, record by record", (DETECTOR,), {"PIPELINE_RECORD_PATH": "records"}, share=0.2
)
COMPILED: Final = Subject("detector, compiled", "the same after `make compiled`", (DETECTOR,))
PIPELINE: Final = Subject(
    "all services", "detector and both processors, exactly once", (DETECTOR, *PROCESSORS), share=0.2
)
PEER_SUBJECTS: Final = (
    Subject("tutorial", "kafka-python, at least once", script=PEERS / "tutorial.py", share=0.1, transactional=False),
    Subject("quix", "Quix Streams, exactly once", script=PEERS / "quix.py", share=0.2),
    Subject("kafka-python", "kafka-python, exactly once", script=PEERS / "kafka_python.py", share=0.3),
    Subject("confluent", "confluent-kafka, exactly once", script=PEERS / "confluent.py"),
    Subject("aiokafka", "aiokafka, exactly once", script=PEERS / "aiokafka_loop.py", share=0.2),
)
