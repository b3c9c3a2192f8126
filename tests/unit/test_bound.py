"""How much a detector may remember: shared out evenly, for every version, and told when it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detector.bound import LEAST_SHARE, Bound, Evictions
from detector.handler import Detector
from detector.rules.loading import load_rules
from detector.rules.windows.sizes import KEY_BYTES, SERIES_BYTES, UNBOUNDED
from detector.staged import StagedDetector
from pipeline.contracts.topics import hop_by
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.rules.ruleset import RuleSet
    from pipeline.runtime.vitals import Figure

LOGS = [{"source"}, {"target"}]
BY = "  - {{id: by-{0}, key: {0}, window: {1}, when: count() > 1}}\n"
ROOM_FOR_ONE = 2 * (KEY_BYTES + SERIES_BYTES) - 1


def rules_by(*keys: str, window: str = "1h") -> RuleSet:
    """Return rules, one by each key."""
    lines = "".join(BY.format(key, window) for key in keys) or "  []"
    return load_rules("r.yaml", f"rules:\n{lines}", logs=LOGS)


def limits(rules: RuleSet) -> list[int]:
    """Return what a partition of each stage may take."""
    return [stage.windows.begun(0).most for stage in rules.stages]


def by_name(figures: Iterable[Figure]) -> dict[tuple[str, ...], object]:
    """Return figures by the name of their metric and their labels."""
    return {(one.metric.name, *one.labels): one.value for one in figures}


@pytest.mark.parametrize(
    ("most", "keys", "expected"),
    [
        (90_000, ("source", "target"), [10_000, 10_000]),
        (90_000, ("target",), [15_000, 15_000]),
        (90_000, ("source",), [30_000, 30_000]),
        (90_000, (), [UNBOUNDED, UNBOUNDED]),
        (0, ("source", "target"), [UNBOUNDED, UNBOUNDED]),
    ],
)
def test_each_partition_has_the_same_share(most: int, keys: tuple[str, ...], expected: list[int]) -> None:
    """Of logs in which rules remember anything; who reads all of them keeps within the bound."""
    rules = rules_by(*keys)
    Bound(most, [3, 6]).apply(rules)
    assert limits(rules) == expected


def test_rules_that_come_later_are_bounded_as_well() -> None:
    """Those that are pushed, whether they remember the same or something else, and those that a record still names."""
    bound, first, same, other = Bound(90_000, [3]), rules_by("source"), rules_by("source"), rules_by("source")
    detector = Detector(TRANSFERS, first, bound=bound)
    detector.use(same)
    assert same.stages[0].windows.begun(0).most == 30_000
    other = rules_by("source", window="2h")
    detector.use(other)
    assert other.stages[0].windows.begun(0).most == 30_000
    staged = StagedDetector(
        TRANSFERS, rules_by("target"), {hop_by("target"): "hop"}, lambda _: None, bound=Bound(90_000, [3, 6])
    )
    pushed = rules_by("source", "target")
    staged.use(pushed)
    assert limits(pushed) == [10_000, 10_000]


def test_a_share_that_is_too_small_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With the number that would do."""
    Bound(90_000, [3]).warn(rules_by("source"))
    assert "STATE_MAX_BYTES=90000 leaves 30000 bytes for each of 3 partitions" in caplog.text
    assert f"set it to {3 * LEAST_SHARE} or more" in caplog.text
    caplog.clear()
    Bound(3 * LEAST_SHARE, [3]).warn(rules_by("source"))
    Bound(0, [3]).warn(rules_by("source"))
    Bound(1, [3]).warn(rules_by())
    assert caplog.text == ""


def test_what_went_is_counted_once_and_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of a batch that was undone, and in figures from the first."""
    rules = rules_by("source")
    detector = Detector(TRANSFERS, rules, bound=Bound(ROOM_FOR_ONE, [1]))
    for number in range(3):
        detector.handle(record(transfer(source=f"a{number}"), key=f"a{number}".encode(), offset=number))
    detector.aborted()
    assert by_name(detector.figures())["fraud_state_evicted_keys_total",] == 0
    for number in range(4):
        detector.handle(record(transfer(source=f"a{number}"), key=f"a{number}".encode(), offset=number))
        detector.committed()
    found = by_name(detector.figures())
    assert found["fraud_state_evicted_keys_total",] == 3
    assert found["fraud_state_keys", "1"] == 1
    assert 0 < int(str(found["fraud_state_bytes", "1"])) <= ROOM_FOR_ONE
    told = [one for one in caplog.messages if "were evicted" in one]
    assert told == [told[0]]
    assert told[0].startswith("1 values of keys were evicted (1 since the start)")


def test_what_went_meanwhile_is_told_a_minute_later(caplog: pytest.LogCaptureFixture) -> None:
    """All of it together."""
    now = 0.0
    evictions, rules = Evictions(lambda: now), rules_by("source")
    Bound(ROOM_FOR_ONE, [1]).apply(rules)
    for number in range(4):
        rules.judge(TRANSFERS.read(record(transfer(source=f"a{number}"))), 0, number)
        rules.committed()
        evictions.look([rules])
    now = 61.0
    evictions.look([rules])
    assert [one.split(" ")[0] for one in caplog.messages] == ["1", "2"]


def test_a_verdict_says_partial_behind_its_hits() -> None:
    """And so does the header of what was not enough."""
    rules = load_rules("r.yaml", "rules: [{id: a, key: source, window: 1h, when: count() > 0}]")
    detector = Detector(TRANSFERS, rules, bound=Bound(1, [1]))
    for offset, expected in ((0, False), (1, True)):
        (outgoing,) = detector.handle(record(transfer(source="a"), key=b"a", offset=offset))
        detector.committed()
        assert (b'],"partial":true}}' in (outgoing.value or b"")) is expected
    weak = load_rules("r.yaml", "rules: [{id: a, key: source, window: 1h, when: count() > 0, score: 10}]")
    detector = Detector(TRANSFERS, weak, bound=Bound(1, [1]))
    for offset, told in ((0, f"{weak.version} a=10:counted"), (1, f"{weak.version} partial a=10:counted")):
        (outgoing,) = detector.handle(record(transfer(source="a"), key=b"a", offset=offset))
        detector.committed()
        assert [value for _, value in outgoing.headers] == [told.encode()]
