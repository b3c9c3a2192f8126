"""``python -m bench.restore``: how long a million keys take into snapshots and back, on a real Kafka.

The rules are those by source of bench.rules, of eight series a key; each key has made three payments. What a loop would
spend is counted as it rests, without a break between; then another process brings all of it back.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import sys
import time
from itertools import chain, repeat
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from bench.broker import broker
from bench.deployment import PARTITIONS, Deployment
from bench.document import put_table
from bench.machine import this_machine
from bench.population import stream
from bench.rules import FILES
from bench.tables import Titled
from detector.handler import Detector
from detector.rules.loading import load_rules
from detector.snapshots.keeping import Keeping
from detector.snapshots.places import Places
from detector.snapshots.resuming import Resuming
from detector.snapshots.snapshots import Snapshots
from detector.snapshots.topic import SnapshotsTopic
from detector.snapshots.writer import Writer
from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.contracts.formats.transfer import TransferFormat
from pipeline.contracts.moments import milliseconds_of
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.ruleset import RuleSet
    from pipeline.runtime.handler import Place

BEGIN, END = "<!-- restore: made by `python -m bench.restore` -->", "<!-- /restore -->"
GOAL_SECONDS: Final = 20
PAYMENTS: Final = 3  # of each key
BATCH: Final = 1_000
VARIETY: Final = 20_000  # payments that are made up; each is made by many keys
COMPARED: Final = 8  # every eighth bucket
KIB: Final = 1024


class Written(NamedTuple):
    """What keeping took: of the loop's time, its longest rest, until all had arrived; and the bytes of the topic."""

    loop_seconds: float
    longest_ms: float
    seconds: float
    mib: float


class Restored(NamedTuple):
    """What bringing back took, its longest stretch, the peak of the process, and whether it is the same."""

    seconds: float
    longest_ms: float
    peak_mib: float
    keys: int
    checksums: dict[str, int]


class Bench:
    """Rules with a memory, and the two sides of its snapshots on a deployment."""

    def __init__(self, bootstrap: str, tag: str) -> None:
        self.deployment = Deployment(bootstrap, tag=tag)
        path = FILES / "by_source.yaml"
        self.rules: RuleSet = load_rules(path.name, path.read_text(), logs=[{"source"}])
        name = self.deployment.name(topics.SNAPSHOTS)
        kafka = self.deployment.settings.kafka
        with Cluster(kafka, tag) as cluster:
            self.topic = SnapshotsTopic(kafka, cluster.describe([name])[name])
        detector = Detector(Codec(TransferFormat(), "bench"), self.rules)
        places = Places(detector, {"bench": "id"}, "bench", PARTITIONS)
        self.writer = Writer(name, self.topic.producer)
        self.keeping = Keeping(places, self.writer, 3_600, share=1.0)
        self.snapshots = Snapshots(Resuming(places, self.topic.read), self.keeping)

    def checksums(self) -> dict[str, int]:
        """Return what tells whether memories are the same, of a sample of buckets."""
        windows = self.rules.stages[0].windows
        return {
            f"{partition}/{bucket}": hash_of(windows.pack(partition, bucket))
            for partition, held in sorted(windows.partitions.items())
            for bucket in sorted(held.buckets)[::COMPARED]
        }


def hash_of(packed: bytes) -> int:
    """Return the checksum that stands at the end of a chunk."""
    return int.from_bytes(packed[-4:], "big")


def fill(rules: RuleSet, keys: int) -> dict[Place, int]:
    """Let each key pay some times; return the offsets behind the last records."""
    made = list(stream(min(VARIETY, keys * PAYMENTS), 2_000))
    gc.collect()
    gc.freeze()
    payments = chain.from_iterable(repeat(made))
    for number, one in zip(range(keys * PAYMENTS), payments, strict=False):
        paid = replace(one, source=f"account-{number % keys}")
        rules.observe(paid, number % keys % PARTITIONS, milliseconds_of(one.timestamp))
        if number % BATCH == 0:
            rules.committed()
    rules.committed()
    return {("bench", partition): keys * PAYMENTS // PARTITIONS for partition in range(PARTITIONS)}


def write(bench: Bench, stands: Mapping[Place, int], size: int) -> Written:
    """Keep one snapshot of each partition, which takes so many resting loops as it takes."""
    bench.writer.start()
    bench.snapshots.open(stands)
    while bench.snapshots.read() is None:
        pass
    begun, spent, longest = time.perf_counter(), 0.0, 0.0
    while time.perf_counter() - begun < 10 * GOAL_SECONDS * max(1, size / 1e6):
        rested = time.perf_counter()
        bench.snapshots.rest(stands)
        took = time.perf_counter() - rested
        spent, longest = spent + took, max(longest, took)
        if bench.keeping.offsets() == stands:
            break
        time.sleep(0.001)
    else:
        sys.exit("the snapshots were not written in time")
    seconds = time.perf_counter() - begun
    bench.writer.close()
    return Written(spent, longest * 1e3, seconds, topic_mib(bench))


def topic_mib(bench: Bench) -> float:
    """Return how much stands in the topic, in mebibytes, keys and values together."""
    found = (one for partition in range(PARTITIONS) for one in bench.topic.read(partition))
    return sum(len(one.key) + len(one.value or b"") for one in found) / KIB**2


def restore(bootstrap: str, tag: str, ends: Mapping[Place, int]) -> Restored:
    """Bring all of it back, in a process that knows nothing."""
    bench = Bench(bootstrap, tag)
    begun, longest = time.perf_counter(), 0.0
    bench.snapshots.open(ends)
    found = None
    while found is None:
        stretch = time.perf_counter()
        found = bench.snapshots.read()
        bench.rules.committed()
        longest = max(longest, time.perf_counter() - stretch)
    seconds = time.perf_counter() - begun
    if found != ends:
        sys.exit(f"not all came back: {found}")
    held = bench.rules.stages[0].windows.partitions.values()
    keys = sum(len(values) for one in held for values in one.values)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (KIB**2 if sys.platform == "darwin" else KIB)
    return Restored(seconds, longest * 1e3, peak, keys, bench.checksums())


def figures(written: Written, restored: Restored) -> dict[str, str]:
    """Return the figures for people."""
    return {
        "keys, of eight series each": f"{restored.keys:,}",
        "packed in the loop, seconds together": f"{written.loop_seconds:.1f}",
        "the longest rest of the loop, ms, of 50 and a bucket": f"{written.longest_ms:.0f}",
        "all written after, seconds": f"{written.seconds:.1f}",
        "in the topic, MiB": f"{written.mib:.1f}",
        f"restored, seconds (goal: {GOAL_SECONDS})": f"{restored.seconds:.1f}",
        "the longest stretch of that, ms": f"{restored.longest_ms:.0f}",
        "peak of the process that restored, MiB": f"{restored.peak_mib:,.0f}",
    }


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code: 1 where the goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.restore", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--document", action="store_true", help="also write them into docs/performance.md")
    asked = parser.parse_args(arguments)
    machine = this_machine()
    with broker(os.environ, thorough=True) as cluster:
        deployment = Deployment(cluster.bootstrap_servers)
        deployment.provision()
        bench = Bench(cluster.bootstrap_servers, deployment.tag)
        stands = fill(bench.rules, asked.keys)
        written = write(bench, stands, asked.keys)
        expected = bench.checksums()
        with get_context("spawn").Pool(1) as pool:
            restored = pool.apply(restore, (cluster.bootstrap_servers, deployment.tag, stands))
    if (restored.keys, restored.checksums) != (asked.keys, expected):
        sys.exit("what came back is not what was kept: the figures are worth nothing")
    told = figures(written, restored)
    if asked.json:
        found = {**written._asdict(), **restored._asdict(), "goal_seconds": GOAL_SECONDS}
        del found["checksums"]
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, value in told.items():
            sys.stdout.write(f"{value:>18}  {name}\n")
    if asked.document:
        made = Titled("Snapshots, on a real Kafka", ("what", "figure"), list(told.items()))
        put_table(BEGIN, END, "python -m bench.restore", machine, made)
    return int(restored.seconds > GOAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
