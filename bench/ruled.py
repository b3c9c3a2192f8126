"""``python -m bench.ruled``: a detector with the 33 rules of ``bench.rules`` over a backlog, exactly once.

Twice in turn: with the 28 that look at the account alone, which one stage judges, and with all 33, of which those by
target take a second stage: every transaction is written to a topic between the two and read again, by the same process.
All topics have one partition. Of several, a detector that catches up reads a long piece of one after a long piece of
another: with two weeks in some seconds, nearly all would come late to the second stage, as they never do live.
A core second is a second of the detector's processor time, user and system; the broker's is not in it.
What is compiled has a table of its own in docs/performance.md: ``make compiled``, and once more.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec

from bench.broker import broker
from bench.commits import CommitWatch
from bench.deployment import Deployment
from bench.document import cells, marks, put_table
from bench.machine import this_machine
from bench.population import stream
from bench.processes import EndedError, Processes
from bench.progress import Committed, Staged
from bench.rules import FILES
from bench.subjects import OURS
from bench.tables import Titled
from bench.telling import Telling
from bench.throughput import Complete, between, follow, last_of
from kafka_local import KafkaLocalError
from pipeline.contracts import topics
from pipeline.contracts.topics import hop_by
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import plain_producer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.results import Drained
    from pipeline.contracts.messages import Transaction

COMMAND: Final = "bench.ruled"
GOAL_A_SECOND: Final = 25_000
RECORDS: Final = 200_000
ACCOUNTS: Final = 12_000
ROUNDS: Final = 3
AT_ONCE: Final = 20_000
WITHIN_SECONDS: Final = 60.0
US_PER_SECOND: Final = 1_000_000
ONE_PARTITION: Final = {"TOPIC_PARTITIONS": "1"}
TARGET: Final = "target"
ONE_STAGE, TWO_STAGES = "28 rules, one stage", "33 rules, two stages"


def value_of(one: Transaction) -> bytes:
    """Return a transaction as it stands in a record."""
    message = {
        "transaction_id": one.id,
        "source": one.source,
        "target": one.target,
        "amount": one.amount,
        "currency": one.currency,
        "timestamp": one.timestamp,
        **one.attributes,
    }
    return msgspec.json.Encoder(decimal_format="number").encode(message)


def fill(deployment: Deployment, records: int, tell: Callable[[str], None]) -> None:
    """Write so many transactions of a population into the input.

    Raises:
        KafkaError: the broker did not take them.

    """
    producer = plain_producer(deployment.settings.kafka, f"{deployment.tag}-backlog")
    topic = deployment.name(topics.TRANSACTIONS)
    futures = []
    try:
        for number, one in enumerate(stream(records, ACCOUNTS), 1):
            futures.append(producer.send(topic, value_of(one), key=one.account.encode()))
            if number % AT_ONCE == 0 or number == records:
                for future in futures:
                    future.get(timeout=WITHIN_SECONDS)
                futures.clear()
                tell(f"filling, {number:,} of {records:,}")
    finally:
        producer.close(timeout=10)


def rule_files(folder: Path) -> dict[str, Path]:
    """Return the files of rules by how many stages they take, written to a folder."""
    by_source, by_target = ((FILES / f"by_{key}.yaml").read_text("utf-8") for key in ("source", TARGET))
    every = folder / "all.yaml"
    every.write_text(by_source + by_target.partition("rules:\n")[2], "utf-8")
    return {ONE_STAGE: FILES / "by_source.yaml", TWO_STAGES: every}


def drained(deployment: Deployment, stages: Sequence[str], records: int, tell: Callable[[str], None]) -> Drained:
    """Let a new detector work off the backlog, which it reads in the topics of its stages.

    Raises:
        EndedError: it ended, or did not get on for a minute.
        KafkaError: the broker does not answer.

    """
    deployment.provision()
    try:
        with ExitStack() as stack:
            committed = Committed(deployment, stack.enter_context(CommitWatch(deployment)))
            processes = stack.enter_context(Processes())
            OURS.start(deployment, processes, quick_commits=False)
            points = follow(processes, Staged(committed, stages, records), records, Complete(deployment, 1), tell)
            peak = max(running.peak_mib() for running in processes.running.values())
    finally:
        deployment.remove()
    return between(points[0], last_of(points), peak)


def played(bootstrap: str, records: int, rounds: int, tell: Callable[[str], None]) -> dict[str, list[Drained]]:
    """Return all rounds by what was measured, which take turns."""
    source = Deployment(bootstrap, variables=ONE_PARTITION)
    source.provision()
    fill(source, records, tell)
    topic = source.name(topics.TRANSACTIONS)
    found: dict[str, list[Drained]] = {ONE_STAGE: [], TWO_STAGES: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name, path in rule_files(Path(folder)).items():
                deployment = Deployment(bootstrap, topic, variables=ONE_PARTITION | {"RULES_FILE": str(path)})
                hops = [hop_by(TARGET).name_in(deployment.environ)] if name == TWO_STAGES else []
                tell(f"round {number + 1} of {rounds}, {name}")
                found[name].append(drained(deployment, [topic, *hops], records, tell))
    return found


def table(found: Mapping[str, list[Drained]], records: int) -> Titled:
    """Return the figures for people."""
    rows: list[tuple[str, ...]] = []
    for name, rounds in found.items():
        rates = sorted(one.per_second for one in rounds)
        cpu = median(one.cpu_us for one in rounds)
        rates_told = " / ".join(f"{rate:,.0f}" for rate in (rates[0], median(rates), rates[-1]))
        peak = max(one.peak_mib for one in rounds)
        rows.append((name, str(len(rounds)), rates_told, f"{cpu:.1f}", f"{US_PER_SECOND / cpu:,.0f}", f"{peak:.0f}"))
    head = ("what", "rounds", "records/s: min / median / max", "CPU µs a record", "records a core second", "peak MiB")
    goal = f"33 rules, through Kafka, {records:,} transactions (goal: {GOAL_A_SECOND:,} records a core second)"
    return Titled(goal, head, rows)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code: 1 where the goal is missed or nothing could be measured."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    machine = this_machine()
    try:
        with Telling() as telling, broker(os.environ, thorough=True) as cluster:
            found = played(cluster.bootstrap_servers, asked.records, asked.rounds, telling.tell)
    except (EndedError, KafkaError, KafkaLocalError, TimeoutError) as error:
        sys.stderr.write(f"ruled: could not be measured: {error or type(error).__name__}\n")
        return 1
    made = table(found, asked.records)
    if asked.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write(f"{cells(made)}\n\n{machine.code}\n")
    if asked.document:
        put_table(*marks(COMMAND, machine.code), f"python -m {COMMAND}", machine, made)
    return int(any(median(one.cpu_us for one in rounds) > US_PER_SECOND / GOAL_A_SECOND for rounds in found.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ruled", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=RECORDS, help="how many transactions (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--document", action="store_true", help="also write them into docs/performance.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
