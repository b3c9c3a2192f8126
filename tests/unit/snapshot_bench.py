"""Detectors that keep snapshots in a topic in memory: they are killed, and come back with what stands there."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from detector.bound import Bound
from detector.handler import Detector
from detector.rules.loading import load_rules
from detector.snapshots.keeping import Keeping
from detector.snapshots.places import Places
from detector.snapshots.resuming import Resuming
from detector.snapshots.snapshots import Snapshots
from detector.snapshots.writer import Written
from pipeline.contracts.invalid import InvalidMessageError
from tests.unit.samples import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.snapshots.records import Entry
    from pipeline.contracts.records import Outgoing, Record

PLACE = ("input", 3)


class Line(NamedTuple):
    """A record of the topic of snapshots."""

    key: bytes
    value: bytes | None


@dataclass
class Topic:
    """What stands in the topic of snapshots, never compacted."""

    lines: list[Line] = field(default_factory=list)

    def read(self, _: int) -> Iterator[Line]:
        """Yield all of it."""
        yield from list(self.lines)

    def live(self) -> dict[bytes, bytes]:
        """Return what compaction would leave."""
        last = {line.key: line.value for line in self.lines}
        return {key: value for key, value in last.items() if value is not None}


class InstantWriter:
    """Writes at once; ``room`` says how many more entries are taken, where a test bounds them."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._outcomes: list[Written] = []
        self._failed = -1
        self.failing = False
        self.room = 1 << 30

    @property
    def has_room(self) -> bool:
        """Tell whether another part is taken."""
        return self.room > 0

    def put(self, token: int, partition: int, entries: Sequence[Entry]) -> bool:  # noqa: ARG002
        """Write parts of a snapshot, unless writing fails."""
        self.room -= 1
        if self.failing:
            self._failed = token
        if token != self._failed:
            self._topic.lines += [Line(*one) for one in entries]
        return True

    def end(self, token: int, partition: int, manifest: Entry, removed: Sequence[bytes]) -> bool:
        """Write what makes it count, and remove what goes."""
        self.put(token, partition, [manifest, *((key, None) for key in removed)])
        self._outcomes.append(Written(token, "refused" if token == self._failed else None))
        return True

    def outcome(self) -> Written | None:
        """Return what became of it."""
        return self._outcomes.pop(0) if self._outcomes else None


class Process:
    """A detector that begins with what the topic and the log hold, up to an offset."""

    def __init__(  # noqa: PLR0913 (what processes differ in)
        self,
        rules: str,
        topic: Topic,
        log: Sequence[Record],
        committed: int,
        interval: float = 0.0,
        *,
        most: int = 0,
    ) -> None:
        """Begin; what rules remember may take ``most`` bytes, 0 for any number."""
        self.rules = load_rules("r.yaml", rules)
        self.detector = Detector(TRANSFERS, self.rules, bound=Bound(most, [1]))
        self.writer = InstantWriter(topic)
        ticks = count()
        places = Places(self.detector, {PLACE[0]: "id"}, "transfer", 1)

        def now() -> float:
            return next(ticks) / 1000

        self.keeping = Keeping(places, self.writer, interval, now)  # type: ignore[arg-type]
        self.snapshots = Snapshots(Resuming(places, topic.read, now), self.keeping)
        self.at = committed
        self.detector.assigned(())
        self.began = self._brought_back(log)

    def _brought_back(self, log: Sequence[Record]) -> int | None:
        """Remember what is below the offset; return from which snapshot, None where the log has told all."""
        self.snapshots.open({PLACE: self.at})
        found = None
        while found is None:
            found = self.snapshots.read()
            self.detector.committed()
        begin = found.get(PLACE)
        for one in log[begin or 0 : self.at]:
            self.detector.observe(one)
        self.detector.committed()
        return begin

    def handle(self, log: Sequence[Record], records: int, *, aborted: bool = False) -> list[tuple[Outgoing, ...]]:
        """Handle the next records of the log in one transaction; return what was written because of each."""
        some = log[self.at : self.at + records]
        outgoing = [handled(self.detector, one) for one in some]
        if aborted:
            self.detector.aborted()
            return []
        self.detector.committed()
        self.at += len(some)
        return outgoing

    def rest(self, times: int = 1) -> None:
        """Let snapshots be kept for a while."""
        for _ in range(times):
            self.snapshots.rest({PLACE: self.at})


def handled(detector: Detector, one: Record) -> tuple[Outgoing, ...]:
    """Return what is written because of a record; nothing where it is refused."""
    try:
        return tuple(detector.handle(one))
    except InvalidMessageError:
        return ()


def told(outgoing: Sequence[tuple[Outgoing, ...]]) -> list[list[tuple[str, bytes | None, object]]]:
    """Return what outcomes say, so that they can be compared."""
    return [[(one.topic.key, one.value, one.headers) for one in each] for each in outgoing]


def uninterrupted(rules: str, log: Sequence[Record], most: int = 0) -> list[list[tuple[str, bytes | None, object]]]:
    """Return what a detector writes that reads the whole log in one go."""
    detector = Detector(TRANSFERS, load_rules("r.yaml", rules), bound=Bound(most, [1]))
    found = []
    for one in log:
        found.append(handled(detector, one))
        detector.committed()
    return told(found)
