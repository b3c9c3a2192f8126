"""A whole pipeline under load, as processes that are started again when they end, on a Kafka that may be hurt."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster as Admin
from pipeline.runtime.clients.leftovers import BEING_ENDED, ENDED
from pipeline.runtime.record_path import BATCHES, RECORD_PATH
from tests.chaos.usage import Usage
from tests.chaos.watch import Watch
from tests.support.deployment import ROOT, Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kafka_local import Cluster
    from pipeline.operations.audit.report import Report
    from tests.chaos.ground import Ground

PROCESSORS = ("legit_processor", "fraud_processor")
ENDLESS = ("detector", *PROCESSORS)
REPLICAS = {"detector": 2, "legit_processor": 1, "fraud_processor": 1, "generator": 1}
PARTITIONS = 4
RATE = 200  # transactions a second, of the generator
GOES_ON_WITHIN = 90.0
DRAINED_WITHIN = 180.0
TOOL_SECONDS = 120
# As long as the compose file gives the services: what ends them in order may wait for every step of a transaction.
GRACE_SECONDS = 30.0

# What the generator does not make: what no detector can read, and what no processor can settle.
PAYMENT = b'{"DATE":"11/22/2026","TIME":"14:05:09","PAYMENT_TYPE":"%s","AMOUNT":7,"TO":"mom"}'
ODD = (b"no payment", PAYMENT % b"PAYPAL", PAYMENT % b"VISA", PAYMENT % b"BITCOIN")
ODD_PER_SECOND = 40
# Nothing of the load may be given up because a broker is away; and once it is back, what comes late is not to be ours.
LOAD = {"delivery_timeout_ms": 600_000, "max_block_ms": 600_000, "reconnect_backoff_max_ms": 1_000}


@dataclass(eq=False)
class Replica:
    """One process of a service. ``module`` is what it runs, ``variables`` what it has beside the others."""

    service: str
    process: subprocess.Popen[bytes]
    variables: Mapping[str, str]

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    @property
    def listens(self) -> bool:
        """Whether SIGTERM asks it to end, by the kernel's own word; one that still imports is ended by it at once.

        Without /proc nobody can tell, and nobody is taken to listen.
        """
        status = Path(f"/proc/{self.pid}/status")
        told = status.read_text().splitlines() if status.exists() else []
        caught = next((int(line.split()[1], 16) for line in told if line.startswith("SigCgt:")), 0)
        return bool(caught >> (signal.SIGTERM - 1) & 1)


class Stage:
    """Generator, detectors and processors at work, for the time of a ``with`` block.

    Partition by partition some of everything comes in all the time. A service that ends by itself is started again,
    as a restart policy would, and counted in ``ended`` by service and exit code. ``left_open`` are the transactional
    ids of transactions that were open when all had ended; with ``asks_tool`` also by the word of Kafka's own tool.
    """

    def __init__(
        self,
        ground: Ground,
        folder: Path,
        *,
        fronted: bool = False,
        mutation: str = "",
        record_path: str = BATCHES,
    ) -> None:
        """Stand on ``ground``; ``folder`` gets the logs.

        ``fronted``: the services come through the ground's proxy; the harness never does. ``mutation`` breaks the
        services on purpose (see ``tests.support.mutations``). ``record_path`` is the way they move records.
        """
        self.ground = ground
        self.folder = folder
        cluster = ground.cluster
        self.pipeline = Deployment(
            cluster.bootstrap_servers, {"TRANSACTION_FORMAT": "payment", RECORD_PATH.name: record_path}, PARTITIONS
        )
        self.replicas: list[Replica] = []
        self.ended: Counter[str] = Counter()
        self.costs: list[float] = []
        self.usage: dict[str, Usage] = {}
        self.kills = self.faults = 0
        self.left_open: list[str] = []
        self.asks_tool = False
        self._mutation = mutation
        self._reach = {"KAFKA_BROKER_URL": cluster.front_servers} if fronted else {}
        self._odd = threading.Event()
        self._quiet = threading.Event()
        self._exit = ExitStack()

    @property
    def cluster(self) -> Cluster:
        """Return the Kafka that may be hurt."""
        return self.ground.cluster

    def __enter__(self) -> Self:
        """Start everything and wait until it flows."""
        self._exit.callback(self.pipeline.end)
        try:
            self.pipeline.provision()
            for service, count in REPLICAS.items():
                for _ in range(count):
                    self.spawn(service)
            self._odd.set()
            odd = threading.Thread(target=self._send_odd, name="odd", daemon=True)
            odd.start()
            self._exit.callback(odd.join, 30)
            self._exit.callback(self._quiet.set)
            self.watch = self._exit.enter_context(Watch(self.pipeline))
            now = time.time()
            self.wait_until_flowing(now, now)
            # One that still starts gives a Kafka that is away a minute, and ends.
            self.wait_until_joined()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End everything, whatever state it is in; after a failure, what was going on stands in the folder."""
        try:
            if kind is not None:
                self._leave_traces()
        finally:
            self._exit.close()

    def _leave_traces(self) -> None:
        for replica in self.replicas:
            # With PYTHONFAULTHANDLER the stacks of all its threads come at the end of its log.
            replica.process.send_signal(signal.SIGCONT)
            replica.process.send_signal(signal.SIGABRT)
        for node in self.cluster.nodes:
            shutil.copy(node.log_path, self.folder / f"kafka-{node.id}.log")
        for replica in self.replicas:
            replica.process.wait(GRACE_SECONDS)

    def spawn(
        self, service: str, *, point: str = "", keep: bool = True, variables: Mapping[str, str] | None = None
    ) -> Replica:
        """Start one more replica; with ``point`` one that harms itself there (see ``tests.support.fault_point``).

        One that is not kept is not started again when it ends.
        """
        log = self.folder / f"{service}.log"
        variables = {**self._reach, "PYTHONFAULTHANDLER": "1", **(variables or {})}
        if service in ENDLESS and (self._mutation or point):
            harm = [service, point or "none", *([self._mutation] if self._mutation else [])]
            process = self.pipeline.spawn("tests.support.fault_point", log, *harm, **variables)
        else:
            load = {"TRANSACTIONS_PER_SECOND": str(RATE)} if service == "generator" else {}
            process = self.pipeline.spawn(service, log, **load, **variables)
        replica = Replica(service, process, variables)
        if keep:
            self.replicas.append(replica)
        return replica

    def of(self, *services: str) -> list[Replica]:
        """Return the replicas of these services that are kept running."""
        return [replica for replica in self.replicas if replica.service in services]

    def kill(self, replica: Replica) -> None:
        """End a replica with SIGKILL, and start its successor."""
        replica.process.kill()
        replica.process.wait()
        self.kills += 1
        self.replicas.remove(replica)
        self.spawn(replica.service, variables=replica.variables)

    def terminate(self, *replicas: Replica) -> None:
        """End replicas with SIGTERM, all at the same time; each has to exit with 0 within its grace period.

        One that does not listen yet is ended by the signal at once, and there is nothing open.
        """
        listened = [replica.process.poll() is not None or replica.listens for replica in replicas]
        for replica in replicas:
            replica.process.terminate()
        self.replicas = [replica for replica in self.replicas if replica not in replicas]
        for replica, listens in zip(replicas, listened, strict=True):
            code = replica.process.wait(GRACE_SECONDS)
            if code != 0 and (listens or code != -signal.SIGTERM):
                self.ended[f"{replica.service} {code}"] += 1

    def wait_for_end(self, replica: Replica, within: float) -> int:
        """Wait until a replica that is not kept running has ended, and return its exit code."""
        self.until(lambda: replica.process.poll() is not None, within, f"a {replica.service} to end")
        return replica.process.returncode

    def tend(self) -> None:
        """Start what has ended by itself again."""
        for replica in list(self.replicas):
            code = replica.process.poll()
            if code is not None:
                self.ended[f"{replica.service} {code}"] += 1
                self.replicas.remove(replica)
                self.spawn(replica.service, variables=replica.variables)

    def until(self, check: Callable[[], object], within: float, describe: str) -> object:
        """Wait until ``check`` holds, tending the replicas meanwhile; raises AssertionError where it takes too long."""

        def tended() -> object:
            self.tend()
            return check()

        return eventually(tended, within, f"{describe}; logs in {self.folder}")

    def pause(self, seconds: float) -> None:
        """Let the pipeline work for so long."""
        until = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= until, seconds + 60, f"{seconds:g} s to pass")

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Do harm in the block and mend it; then wait until every partition goes on, and note what it cost."""
        began = time.time()
        yield
        self.faults += 1
        self.costs.append(self.wait_until_flowing(began, time.time()))

    def wait_until_flowing(self, began: float, healed: float) -> float:
        """Return for how long output stood still from ``began`` on, once all goes on; moments in seconds since 1970."""

        def flowing() -> float | None:
            stood = self.watch.stood_still(began, healed)
            return None if stood is None else max(stood, 1e-6)

        stood = self.until(flowing, GOES_ON_WITHIN, "committed output in every partition")
        assert isinstance(stood, float)
        return stood

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Note what processor time and memory each service takes during the block, of the first replica of each."""
        before = {replica.service: (replica, Usage.of(replica.pid)) for replica in reversed(self.replicas)}
        yield
        for service, (replica, usage) in before.items():
            if replica.process.poll() is None:
                self.usage[service] = Usage.of(replica.pid).since(usage)

    @contextmanager
    def without_odd(self) -> Iterator[None]:
        """Let the harness send nothing of its own during the block."""
        self._odd.clear()
        yield
        self._odd.set()

    def wait_until_joined(self) -> None:
        """Wait until the groups have every replica as a member, and nobody else: one that only starts is none yet."""

        def joined() -> bool:
            # While a coordinator moves, nobody can tell.
            with suppress(KafkaError), Admin(self.pipeline.settings.kafka, "chaos") as admin:
                counts = [len(admin.members(self.pipeline.settings.kafka.group_of(service))) for service in ENDLESS]
                return counts == [len(self.of(service)) for service in ENDLESS]
            return False

        self.until(joined, GOES_ON_WITHIN, "every replica to be a member of its group, and nobody else")

    def wait_until_replicated(self) -> None:
        """Wait until every replica of our topics is in sync again."""

        def replicated() -> bool:
            with suppress(KafkaError), closing(KafkaAdminClient(bootstrap_servers=self.pipeline.bootstrap)) as admin:
                described = admin.describe_topics([self.pipeline.name(topic) for topic in topics.ALL])
                partitions = [part for topic in described for part in topic["partitions"]]
                return all(sorted(part["isr_nodes"]) == sorted(part["replica_nodes"]) for part in partitions)
            return False

        self.until(replicated, GOES_ON_WITHIN, "all replicas to be in sync")

    def _states(self) -> dict[str, str]:
        """Return the state of each transactional id of this pipeline."""
        with closing(KafkaAdminClient(bootstrap_servers=self.pipeline.bootstrap)) as admin:
            found = admin.list_transactions()
        listed = [one for ones in found.values() for one in ones if self._is_ours(one.transactional_id)]
        return {one.transactional_id: one.state.value for one in listed}

    def _open_transactions(self) -> list[str]:
        """Return the transactional ids of this pipeline whose transactions are neither committed nor aborted."""
        return [name for name, state in self._states().items() if state not in ENDED]

    def _open_by_tool(self) -> list[str]:
        """Return the same as Kafka's own tool tells it, which takes some seconds to start."""
        asked = ["--bootstrap-server", self.cluster.bootstrap_servers, "list"]
        command = [sys.executable, "-m", "kafka_local.tools", "transactions", *asked]
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=TOOL_SECONDS
        ).stdout
        lines = [line for line in listed.splitlines() if self._is_ours(line)]
        return [line.split()[0] for line in lines if not any(state in line for state in ENDED)]

    def _is_ours(self, transactional_id: str) -> bool:
        return transactional_id.startswith(self.pipeline.settings.kafka.id_prefix)

    def finish(self) -> Report:
        """Stop the load, let everything be handled, return the auditor's word, and end all services in order."""
        self._quiet.set()
        for generator in self.of("generator"):
            generator.process.send_signal(signal.SIGCONT)
            self.replicas.remove(generator)
            generator.process.terminate()
            code = generator.process.wait(60)
            if code:
                self.ended[f"generator {code}"] += 1
        for service in ENDLESS:
            self.until(partial(self._drained, service), DRAINED_WITHIN, f"{service} to handle all that there is")
        report = self.pipeline.audit()
        # One that still starts does not listen to the signal that asks for an orderly end.
        self.wait_until_joined()
        self.terminate(*self.replicas)
        # A commit is answered before its markers are written.
        eventually(lambda: BEING_ENDED.isdisjoint(self._states().values()), GOES_ON_WITHIN, "what was ended to be over")
        self.left_open = sorted({*self._open_transactions(), *(self._open_by_tool() if self.asks_tool else ())})
        return report

    def _drained(self, service: str) -> bool:
        name = self.pipeline.name(topics.consumed_by(service))
        # While a coordinator moves, nobody can tell.
        with suppress(KafkaError), Admin(self.pipeline.settings.kafka, "chaos") as admin:
            partitions = admin.describe([name])[name].partitions
            ends = {number: end for number, end in admin.ends(name, partitions).items() if end}
            committed = admin.committed(self.pipeline.settings.kafka.group_of(service), name, partitions)
            return committed.items() >= ends.items()
        return False

    def _send_odd(self) -> None:
        name, partitions = self.pipeline.name(topics.TRANSACTIONS), self.pipeline.partitions
        with self.pipeline.producer(**LOAD) as producer:
            sent = 0
            while not self._quiet.wait(1 / ODD_PER_SECOND):
                if not self._odd.is_set():
                    continue
                # Every value goes to every partition in its turn.
                value = ODD[sent // partitions % len(ODD)]
                producer.send(name, value=value, partition=sent % partitions)
                sent += 1
