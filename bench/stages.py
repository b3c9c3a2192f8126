"""``python -m bench.stages``: what a record costs the detector's thread, stage by stage, without Kafka.

Processor time, the least of many turns over one batch. What Kafka adds, sending above all, is in ``make bench``.
"""

from __future__ import annotations

import argparse
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.structs import TopicPartition

from bench.document import put_table
from bench.machine import this_machine
from bench.tables import Titled
from bench.transactions import samples
from detector.handler import Detector
from detector.rules.loading import load_file
from detector.settings import shipped_rules
from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.contracts.formats import TransferFormat
from pipeline.runtime.batches.sending import BATCH_BYTES, BatchSender
from pipeline.runtime.batches.whole import records_of
from pipeline.runtime.batches.writing import packed_origin
from pipeline.runtime.clients.cluster import TopicFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.records import Record

BEGIN, END = "<!-- stages: made by `python -m bench.stages` -->", "<!-- /stages -->"
RECORDS: Final = 1_000  # few enough for one batch to be written
BASE_MS: Final = 1_795_363_200_000
LIMIT: Final = Decimal(900)
PLACE: Final = TopicPartition(topics.TRANSACTIONS.default_name, 0)


class Amount(msgspec.Struct):
    """What a loop looks at that checks nothing else."""

    amount: float


def batch() -> bytes:
    """Return a batch of transfers, as it is fetched."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10 * BATCH_BYTES)
    pool = samples()
    for number in range(RECORDS):
        _, key, value = pool[number % len(pool)]
        builder.append(number, BASE_MS + number // 10, key, value, [])
    return bytes(builder.build())


def least_us(turn: Callable[[], object], turns: int) -> float:
    """Return the processor time of a record, in microseconds, in the quickest of so many turns over a batch."""
    least = float("inf")
    for _ in range(turns):
        begun = time.process_time_ns()
        turn()
        least = min(least, time.process_time_ns() - begun)
    return least / RECORDS / 1000


def stages(turns: int) -> list[tuple[str, float]]:
    """Return the stages with what each of them costs, and for comparison a decoder that looks at the amount alone."""
    fetched = batch()
    facts = TopicFacts(topics.LEGIT.default_name, "", 1, 2 * BATCH_BYTES)
    codec = Codec(TransferFormat(), "id")
    rules = load_file(shipped_rules("transfer"), {"FRAUD_AMOUNT_THRESHOLD": LIMIT})
    detector, sender = Detector(codec, rules), BatchSender()
    amount_of = msgspec.json.Decoder(Amount).decode

    def read() -> list[Record]:
        return list(records_of(DefaultRecordBatch(fetched), PLACE, is_input=True))

    records = read()

    def write() -> None:
        sender.begin(None)
        lane = sender.lane(facts, 0)
        for one in records:
            if one.body is not None and one.origin is not None:
                lane.add(one.timestamp_ms, one.body + packed_origin(one.origin))

    decoding = least_us(lambda: [codec.read(one) for one in records], turns)
    judging = least_us(lambda: [detector.handle(one) for one in records], turns)
    found = [
        ("checksum", least_us(lambda: DefaultRecordBatch(fetched).validate_crc(), turns)),
        ("reading the record from its batch", least_us(read, turns)),
        ("decoding and checking the whole transaction", decoding),
        ("judging by the threshold, naming the branch", judging - decoding),
        ("packing it for the branch, with its coordinates", least_us(write, turns)),
    ]
    amount_alone = least_us(lambda: [amount_of(one.value or b"").amount for one in records], turns)
    return [
        *found,
        ("all of these", sum(us for _, us in found)),
        ("for comparison: decoding the amount alone", amount_alone),
    ]


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--turns", type=int, default=300, help="turns over the batch (%(default)s)")
    parser.add_argument("--document", action="store_true", help="also write it into docs/performance.md")
    asked = parser.parse_args(arguments)
    machine = this_machine()
    made = Titled("A record, without Kafka", ("stage", "µs"), [(name, f"{us:.2f}") for name, us in stages(asked.turns)])
    for name, value in (made.head, *made.rows):
        sys.stdout.write(f"{value:>6}  {name}\n")
    if asked.document:
        put_table(BEGIN, END, "python -m bench.stages", machine, made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
