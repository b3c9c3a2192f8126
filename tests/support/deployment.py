"""A pipeline of a test's own on the shared broker: names that nobody else uses, services in threads or processes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from sqlalchemy import func, inspect, select

from detector.__main__ import detect
from detector.settings import DetectorSettings
from fraud_processor.__main__ import process as gather
from fraud_processor.settings import FraudSettings
from legit_processor.__main__ import process as settle
from legit_processor.settings import LegitSettings
from pipeline.contracts import topics
from pipeline.contracts.ledger import BOOKINGS, REFUSALS, REPEATS
from pipeline.operations.audit.auditor import audit
from pipeline.operations.audit.databases import opened
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.database.engine import begun, open_engine
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.provision import ProvisionSettings, provision
from pipeline.runtime.settings import CommonSettings, common_from_env
from pipeline.runtime.startup import until_answered
from pipeline.runtime.vitals import Vitals
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.contracts.headers import Header
    from pipeline.contracts.topics import Topic
    from pipeline.operations.audit.report import Report

ROOT = Path(__file__).resolve().parents[2]
# For whatever takes seconds on a machine that has nothing else to do.
WITHIN = 120.0


@dataclass
class Deployment:
    """Topics, groups and settings that belong to one test. ``variables`` add to those of the services."""

    bootstrap: str
    variables: dict[str, str] = field(default_factory=dict)
    partitions: int = 2
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        """The file of the ledger, where no other database is asked for."""
        return Path(tempfile.gettempdir()) / f"ledger-{self.tag}.sqlite"

    @property
    def cases(self) -> Path:
        """The file of the cases, where no other database is asked for."""
        return Path(tempfile.gettempdir()) / f"cases-{self.tag}.sqlite"

    @cached_property
    def environ(self) -> dict[str, str]:
        """What the services are set up by."""
        return {
            "KAFKA_BROKER_URL": self.bootstrap,
            "KAFKA_ID_PREFIX": f"test-{self.tag}",
            "KAFKA_STARTUP_TIMEOUT_SECONDS": "60",
            "TRANSACTIONS_TOPIC": f"{self.tag}.transactions",
            "LEGIT_TOPIC": f"{self.tag}.legit",
            "FRAUD_TOPIC": f"{self.tag}.fraud",
            "LABELS_TOPIC": f"{self.tag}.labels",
            "RULES_TOPIC": f"{self.tag}.rules",
            "SNAPSHOTS_TOPIC": f"{self.tag}.snapshots",
            "HOP_TOPICS": f"{self.tag}.by-",
            "TOPIC_PARTITIONS": str(self.partitions),
            "LEDGER_DATABASE_URL": f"sqlite:///{self.ledger}",
            "CASES_DATABASE_URL": f"sqlite:///{self.cases}",
            **self.variables,
        }

    @cached_property
    def settings(self) -> CommonSettings:
        """The shared settings that ``environ`` makes."""
        return common_from_env(self.environ)

    def name(self, topic: Topic) -> str:
        """Return what a topic is called here."""
        return self.settings.topics[topic]

    def provision(self) -> None:
        """Create the topics."""
        provision(ProvisionSettings.from_env(self.environ), Stop())

    def set_config(self, topic: Topic, configs: dict[str, str]) -> None:
        """Change settings of a topic, and wait until a broker has heard of them: they are answered before that."""
        name = self.name(topic)
        with Cluster(self.settings.kafka, "test") as cluster:
            cluster.set_config(name, configs)

            def heard() -> bool:
                return all(cluster.config([name], key) == {name: value} for key, value in configs.items())

            eventually(heard, WITHIN, f"{name} to have {configs}")

    @contextmanager
    def producer(self, **config: Any) -> Iterator[KafkaProducer]:
        """Yield a producer as anybody outside would make it."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, **config)
        try:
            yield producer
            producer.flush(timeout=WITHIN)
        finally:
            producer.close(timeout=10)

    def put(self, *values: bytes | None, key: bytes | None = None, **config: Any) -> list[Any]:
        """Write records to partition 0 of the input, and return their metadata."""
        with self.producer(**config) as producer:
            name = self.name(topics.TRANSACTIONS)
            return [producer.send(name, value=value, key=key, partition=0).get(timeout=WITHIN) for value in values]

    def put_tombstone(self) -> None:
        """Write a record with neither key nor value to partition 0 of the input, past the client's own check."""
        with self.producer() as producer:
            place = TopicPartition(self.name(topics.TRANSACTIONS), 0)
            producer.partitions_for(place.topic)
            producer._accumulator.append(place, int(time.time() * 1000), None, None, [])  # noqa: SLF001

    def put_many(self, values: list[bytes]) -> None:
        """Write many records to the input, in turn to all of its partitions."""
        with self.producer(batch_size=256 * 1024, linger_ms=5) as producer:
            for number, value in enumerate(values):
                producer.send(self.name(topics.TRANSACTIONS), value=value, partition=number % self.partitions)

    def records(self, topic: Topic) -> list[Any]:
        """Return all committed records of a topic; a cluster that does not answer is asked again, as services do."""
        name, kafka = self.name(topic), self.settings.kafka

        def read() -> list[Any]:
            with Cluster(kafka, "test") as cluster:
                partitions = cluster.describe([name])[name].partitions
                starts, ends = cluster.beginnings(name, partitions), cluster.ends(name, partitions)
            return list(read_between(kafka, name, starts, ends, WITHIN))

        return until_answered(f"reading {name}", read, kafka, Stop().wait)

    def wait_for_records(self, topic: Topic, count: int) -> list[Any]:
        """Return the committed records of a topic once there are at least so many."""

        def enough() -> list[Any] | None:
            found = self.records(topic)
            return found if len(found) >= count else None

        return eventually(enough, WITHIN, f"{count} records in {self.name(topic)}") or []

    def audit(self, *, by_offset: bool = False) -> Report:
        """Return the auditor's word on what the detector has committed; the processors' databases are asked."""
        kafka, names = self.settings.kafka, self.settings.topics
        with opened({} if by_offset else self.environ) as databases:
            return audit(kafka, names, Stop().wait, lambda _: None, databases=databases)

    def wait_until_judged(self, count: int) -> Report:
        """Return the auditor's word once so much input is judged."""

        def judged() -> Report | None:
            report = self.audit()
            return report if report.input >= count else None

        report = eventually(judged, WITHIN, f"{count} transactions to be judged")
        assert report is not None
        return report

    def wait_until_drained(self) -> Report:
        """Return the auditor's word once all input that there is has been judged; nobody may write meanwhile."""
        count = len(self.records(topics.TRANSACTIONS))
        return self.wait_until_judged(count)

    def wait_until_booked(self, count: int) -> None:
        """Wait until the ledger has the outcome of so many payments; what it refuses counts as well."""
        engine = open_engine(LegitSettings.from_env(self.environ).database)

        def settled() -> bool:
            with begun(engine, reading=True) as connection:
                if not inspect(connection).has_table(REFUSALS.name):  # the service has just begun
                    return False
                counts = [select(func.count()).select_from(table) for table in (BOOKINGS, REPEATS, REFUSALS)]
                return sum(connection.execute(one).scalar_one() for one in counts) >= count

        try:
            eventually(settled, WITHIN, f"{count} payments to be in the ledger")
        finally:
            engine.dispose()

    def committed(self, service: str) -> dict[int, int]:
        """Return the offsets that a service has committed by partition; none while the cluster cannot tell."""
        name = self.name(topics.consumed_by(service))
        # A young cluster has no coordinator yet.
        with suppress(KafkaError), Cluster(self.settings.kafka, "test") as cluster:
            return cluster.committed(self.settings.kafka.group_of(service), name, self.partitions)
        return {}

    def serving(self, service: str) -> bool:
        """Tell whether a service runs in one of our threads."""
        return any(thread.name == f"{self.tag}-{service}" for thread in threading.enumerate())

    def cut(self, topic: Topic, offset: int) -> None:
        """Remove what stands before an offset of partition 0, as retention would."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.delete_records({TopicPartition(self.name(topic), 0): offset})
        admin.close()

    def commit_by_hand(self, service: str, offset: int) -> None:
        """Commit an offset of partition 0 for a service that does not run."""
        topic = topics.consumed_by(service)
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.settings.kafka.group_of(service), enable_auto_commit=False
        )
        place = TopicPartition(self.name(topic), 0)
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(offset)})
        consumer.close()

    def wait_until_settled(self, service: str, count: int) -> None:
        """Wait until a service has committed its way past so many records of its topic; markers count for none."""
        topic = topics.consumed_by(service)

        def settled() -> bool:
            committed = self.committed(service)
            if sum(committed.values()) < count:
                return False
            handled = [one for one in self.records(topic) if one.offset < committed.get(one.partition, 0)]
            return len(handled) >= count

        eventually(settled, WITHIN, f"{service} to commit {count} records")

    @contextmanager
    def running(self, *services: str) -> Iterator[dict[str, io.StringIO]]:
        """Run services in threads; yield what each prints. An error of theirs is raised at the end."""
        stop = Stop()
        printed = {service: io.StringIO() for service in services}
        failures: list[BaseException] = []

        def live(service: str) -> None:
            try:
                self._serve(service, printed[service], stop)
            except BaseException as error:  # noqa: BLE001 (raised in the test)
                failures.append(error)

        threads = [threading.Thread(target=live, args=(service,), name=f"{self.tag}-{service}") for service in services]
        for thread in threads:
            thread.start()
        try:
            yield printed
        finally:
            stop.request()
            for thread in threads:
                thread.join(WITHIN)
        if failures:
            raise failures[0]
        assert not any(thread.is_alive() for thread in threads)

    def _serve(self, service: str, printed: io.StringIO, stop: Stop) -> None:
        vitals = Vitals(service)
        if service == "detector":
            detect(DetectorSettings.from_env(self.environ), stop, vitals)
            return
        if service == "legit_processor":
            settle(LegitSettings.from_env(self.environ), stop, vitals, printed)
            return
        gather(FraudSettings.from_env(self.environ), stop, vitals, printed)

    def spawn(self, module: str, log: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a service as its own process, its output added to ``log``."""
        environ = {**os.environ, **self.environ, "LOG_FORMAT": "json", **variables}
        command = [sys.executable, "-m", module, *arguments]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a user does, to its end."""
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)

    def end(self) -> None:
        """Kill what was started and still lives, and remove the databases."""
        for process in self.processes:
            process.kill()
            process.wait(WITHIN)
        for file in (self.ledger, self.cases):
            for name in ("", "-wal", "-shm"):
                Path(f"{file}{name}").unlink(missing_ok=True)


def headers_of(record: Any) -> dict[str, bytes | None]:
    """Return a record's headers by name."""
    headers: list[Header] = record.headers
    return dict(headers)
