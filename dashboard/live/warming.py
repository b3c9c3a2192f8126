"""How far a version of rules has got: detectors judge nothing by it before they have read what it looks back to. Pure.

With each offset that detectors commit stands the version that they judged by. So a version that was put in force is
*warming* in a partition in which transactions wait, for as long as none was judged by it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dashboard.live.rulebook import Compared
    from pipeline.contracts.rule_marks import Mark

JUDGES: Final = "judges"  # by the version in force
WARMING: Final = "warming"  # transactions wait, and none was judged by it yet
IDLE: Final = "idle"  # nothing has come since it is in force
REFUSES: Final = "refuses"  # has read it, and stays with one before: it cannot be used there


class Log(NamedTuple):
    """A partition that detectors read: what its last transaction was judged by, and how many offsets wait behind it."""

    topic: str
    partition: int
    mark: Mark | None
    waiting: int


class Judges(NamedTuple):
    """The detectors that there are, and the partitions that they read or are to read."""

    detectors: int
    logs: list[Log]


class InForce(NamedTuple):
    """What the topic of rules says: ``at`` is the offset of the record that says so, ``end`` is behind the last."""

    version: str
    at: int
    end: int


def standing_of(log: Log, put: InForce, holds: Callable[[str], bool]) -> str:
    """Return how a partition stands to what is in force; ``holds`` tells which versions the topic has.

    A version that it has not is what is in force by the name that another release has for it. A mark from beyond the
    end is of a topic that was there before this one.
    """
    mark = log.mark
    if mark is not None and put.at <= mark.offset < put.end:
        return REFUSES if mark.version != put.version and holds(mark.version) else JUDGES
    if log.waiting:
        return WARMING
    return JUDGES if mark is not None and mark.version == put.version else IDLE


def warming(
    judges: Judges, put: InForce, holds: Callable[[str], bool], compared: Callable[[str], Compared | None]
) -> dict[str, Any]:
    """Return how many partitions judge by which version, and by each rule that is not judged by in all of them.

    ``compared`` returns what the rules of a version are told apart by, None where it cannot be read. ``rules`` has for
    each such rule in how many partitions it is judged by; a rule that was there before, and is the same, is by those
    that are warming, too. ``behind`` has the partitions that do not judge by what is in force.
    """
    standings = [standing_of(log, put, holds) for log in judges.logs]
    by = [
        put.version if standing == JUDGES else None if log.mark is None else log.mark.version
        for log, standing in zip(judges.logs, standings, strict=True)
    ]
    return {
        "version": put.version,
        "detectors": judges.detectors,
        "partitions": len(by),
        "standings": dict(Counter(standings)),
        "versions": dict(Counter(one for one in by if one is not None)),
        "rules": _rules(by, put.version, compared),
        "behind": [
            {"topic": log.topic, "partition": log.partition, "standing": standing, "by": one, "waiting": log.waiting}
            for log, standing, one in zip(judges.logs, standings, by, strict=True)
            if standing != JUDGES
        ],
    }


def _rules(by: Iterable[str | None], current: str, compared: Callable[[str], Compared | None]) -> dict[str, int]:
    counts = Counter(by)
    wanted = compared(current) if set(counts) != {current} else None
    if wanted is None:
        return {}
    found: Counter[str] = Counter(dict.fromkeys(wanted.rules, 0))
    for version, count in counts.items():
        other = wanted if version == current else version and compared(version)
        if not other or other.beside != wanted.beside:
            continue
        found.update({rule: count for rule, members in wanted.rules.items() if other.rules.get(rule) == members})
    return {rule: count for rule, count in found.items() if count < counts.total()}
