"""The detector in several stages: a record goes by every hop, and at the end comes out as if there had been one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detector.gathering import LONGEST, hop_key
from detector.handler import Detector
from detector.rules.keys import logs_of
from detector.rules.loading import load_rules
from detector.staged import StagedDetector
from pipeline.contracts import headers, topics
from pipeline.contracts.hops import kept_key
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.batches.partitioning import partitions_of
from tests.unit.samples import TRANSFERS, record, transaction, transfer

if TYPE_CHECKING:
    from pipeline.contracts.records import Outgoing, Record

RULES = """
threshold: 100
members: {device: text}
rules:
  - {id: by-device, key: device, window: 1h, when: count() >= 2, score: 20}
  - {id: fan-in, key: [target, amount], window: 1h, when: count_distinct(source) >= 3, score: 70}
  - {id: often, key: source, window: 1h, when: count() >= 2, score: 30}
"""
HOPS = {topics.hop_by("target"): "by-target", topics.hop_by("device"): "by-device"}
LOGS = logs_of(["target", "device"])
PARTITIONS = 3


@dataclass
class Chain:
    """A detector and its hops, in memory: every record goes through all stages before the next one comes."""

    detector: StagedDetector = field(
        default_factory=lambda: StagedDetector(TRANSFERS, load_rules("r", RULES, logs=LOGS), HOPS, lambda _: None)
    )
    seen: list[Record] = field(default_factory=list)
    offsets: Any = field(default_factory=count)

    def judged(self, value: bytes, partition: int = 0) -> Outgoing:
        """Return what comes out of the last stage because of a record of the input."""
        key = next(iter(re.findall(rb'"source": ?"(.*?)"', value)), b"")
        read = record(value, key=key, partition=partition, offset=next(self.offsets))
        read = replace(read, origin=read.place)
        while True:
            self.seen.append(read)
            (outgoing,) = self.detector.handle(read)
            if outgoing.topic not in HOPS:
                return outgoing
            assert outgoing.key is not None
            assert outgoing.value is None
            read = replace(
                read,
                topic=HOPS[outgoing.topic],
                partition=partitions_of([outgoing.key], PARTITIONS)[0],
                offset=next(self.offsets),
                key=outgoing.key,
                headers=(*outgoing.headers, *kept_key(read)),
            )


def verdict_of(outgoing: Outgoing) -> dict[str, Any]:
    """Return the verdict on a fraud."""
    assert outgoing.topic is topics.FRAUD
    assert outgoing.value is not None
    verdict: dict[str, Any] = json.loads(outgoing.value)["verdict"]
    return verdict


def test_a_fan_in_over_partitions_is_found() -> None:
    """Three accounts of three partitions, one target; the hits of all stages are in the order of the file."""
    chain = Chain()
    for number, source in enumerate("ABC"):
        assert chain.judged(transfer(source=source, device="d"), number).topic is topics.LEGIT
    verdict = verdict_of(chain.judged(transfer(source="C", device="d"), 2))
    assert [hit["rule"] for hit in verdict["hits"]] == ["by-device", "fan-in", "often"]
    assert verdict["score"] == 120
    assert verdict["ruleset"] == load_rules("r", RULES, logs=LOGS).version
    assert [one.topic for one in chain.seen[:3]] == ["input", "by-target", "by-device"]


def test_hits_that_do_not_suffice_come_in_the_header_as_ever() -> None:
    """Of all stages together."""
    chain = Chain()
    chain.judged(transfer(source="A", device="d"))
    noted = dict(chain.judged(transfer(source="A", device="d")).headers)["pipeline.hits"]
    assert noted is not None
    assert noted.split(b" ", 1)[1] == b"by-device=20:counted often=30:counted"


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from("XY"), st.sampled_from([1, 1.0, 2]), st.sampled_from(["d", "e", 7])
        ),
        max_size=12,
    )
)
def test_stages_judge_as_one_place_would(payments: list[tuple[str, str, float, object]]) -> None:
    """Byte for byte, also where a value is missing or of another kind."""
    chain = Chain()
    alone = Detector(TRANSFERS, load_rules("r", RULES, logs=[{"source", "target", "device"}]))
    for source, target, amount, device in payments:
        value = transfer(source=source, target=target, amount=amount, **({} if device == "e" else {"device": device}))
        (expected,) = alone.handle(record(value, key=source.encode(), partition=0))
        found = chain.judged(value, ord(source) % PARTITIONS)
        assert (found.topic, found.value, found.headers) == (expected.topic, expected.value, expected.headers)


def test_what_the_first_stage_cannot_read_goes_no_further() -> None:
    """And what says nothing of the stages before was written by somebody outside."""
    chain = Chain()
    with pytest.raises(InvalidMessageError, match="invalid-json"):
        chain.judged(b"{")
    forged = replace(record(transfer()), topic="by-target")
    for carried in ((), ((headers.SO_FAR.name, b"{}"),), ((headers.SO_FAR.name, b"\xff"),)):
        with pytest.raises(InvalidMessageError) as refused:
            chain.detector.handle(replace(forged, headers=carried))
        assert refused.value.reason is Reason.NO_HITS
        chain.detector.observe(replace(forged, headers=carried))


def test_every_stage_remembers_its_own_log() -> None:
    """After a restart each reads its log again; of what another process may have moved on nothing is kept."""
    chain = Chain()
    for number, source in enumerate("ABC"):
        chain.judged(transfer(source=source, device="d"), number)
    chain.detector.committed()
    fresh = Chain()
    for one in chain.seen:
        fresh.detector.observe(one)
    fresh.detector.committed()
    last = transfer(source="C", device="d")
    assert verdict_of(chain.judged(last, 2)) == verdict_of(fresh.judged(last, 2))
    chain.detector.aborted()
    kept = {(one.topic, one.partition) for one in chain.seen if one.topic != "by-target"}
    chain.detector.assigned(kept)
    noted = dict(chain.judged(last, 2).headers)["pipeline.hits"]
    assert noted is not None
    assert b"fan-in" not in noted
    assert b"by-device" in noted
    chain.detector.aborted()
    chain.detector.assigned([])
    assert chain.judged(last, 2).headers == ()


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("target", None, b"zY8xW6vU4tS2"),
        ("source", None, b"aB3dE5gH7jK9"),
        ("account", None, b"aB3dE5gH7jK9"),
        ("amount", None, b"98005e-2"),
        ("device", "d", b"d"),
        ("device", True, b"true"),
        ("device", 100, b"1e2"),
        ("device", Decimal("100.00"), b"1e2"),
        ("device", Decimal("-0.0"), b"0e0"),
        ("device", -7, b"-7e0"),
        ("device", None, b"aB3dE5gH7jK9"),
        ("device", ["d"], b"aB3dE5gH7jK9"),
        ("device.id", {"id": "x"}, b"x"),
        ("device.id", "d", b"aB3dE5gH7jK9"),
        ("device", "\ud800", b"\xed\xa0\x80"),
    ],
)
def test_the_key_of_a_hop(name: str, value: object, key: bytes) -> None:
    """Equal values have equal keys; where there is none, it is the account's."""
    attributes = {} if value is None else {"device": value}
    assert hop_key(transaction(attributes=attributes), name) == key


def test_a_long_key_is_hashed() -> None:
    """It would take the room that the record has for its verdict."""
    long = hop_key(transaction(target="x" * (LONGEST + 1)), "target")
    assert len(long) == 32
    assert long != hop_key(transaction(target="x" * (LONGEST + 2)), "target")
