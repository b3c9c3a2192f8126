"""Stand-ins for the parts of the exactly-once loop, which note every step of all of them in one list."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing
from pipeline.runtime.breaker import Breaker
from pipeline.runtime.handler import Forgetful
from pipeline.runtime.health import MAX_AGE_SECONDS
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional.batch import Batch
from pipeline.runtime.transactional.batch_size import BatchLimits, BatchSize
from pipeline.runtime.transactional.loop import TransactionalLoop
from pipeline.runtime.transactional.standing import Standing
from pipeline.runtime.vitals import Vitals
from tests.unit.fake_kafka import Raw, member

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.contracts.records import Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.resume import ResumeWatch
    from pipeline.runtime.transactional.intake import Intake
    from pipeline.runtime.transactional.output import Output
    from pipeline.runtime.watchdog import Watchdog

PLACE = TopicPartition("input", 0)


def batch_of(*offsets: int, value: bytes = b"{}", place: TopicPartition = PLACE) -> Batch:
    """Return a batch from one partition."""
    return Batch({place: [Raw(offset, value) for offset in offsets]}, member(1), one_by_one(is_input=True).read)


class QuickStop(Stop):
    """A stop that nobody really waits for: ``waited`` has the seconds that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        """Return at once."""
        self.waited.append(seconds)
        return self.requested


class Steps:
    """The steps of a loop in their order, and what goes wrong in them: by name, an error or None for each time."""

    def __init__(self, stop: Stop) -> None:
        self.taken: list[str] = []
        self.wrong: dict[str, list[BaseException | None]] = {}
        self.stop = stop
        self.stop_at: str | None = None

    def take(self, name: str) -> None:
        """Note a step, ask for the end where a test wants it here, and fail where a test says so."""
        self.taken.append(name)
        if self.stop_at == name:
            self.stop.request()
        error = self.wrong[name].pop(0) if self.wrong.get(name) else None
        if error is not None:
            raise error


class FakeWatchdog:
    """Lets every step take its time; ``watched`` has the steps with the seconds that they were allowed."""

    def __init__(self) -> None:
        self.watched: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str, seconds: float) -> Iterator[None]:
        """Note a step."""
        self.watched.append((name, seconds))
        yield

    def standing_in(self) -> Watchdog:
        """Return it as what it stands in for, without the thread of a real one."""
        return cast("Watchdog", self)


class CountedVitals(Vitals):
    """Counts how often the heart beats."""

    def __init__(self) -> None:
        super().__init__("detector")
        self.beats = 0

    def beat(self, within: float = MAX_AGE_SECONDS) -> None:
        """Count it."""
        self.beats += 1
        super().beat(within)


class FakeIntake:
    """Hands out batches, then asks for the end. ``outcomes`` says what became of transactions that failed."""

    def __init__(self, steps: Steps, batches: list[Batch | BaseException | None]) -> None:
        self._steps = steps
        self._batches = batches
        self.outcomes: list[bool] = []
        self.asked: list[int] = []
        self.settled_batches: list[Batch] = []

        self.stands = Standing("")

    def standing(self) -> Standing:
        """Say that all is well."""
        return self.stands

    def poll(self, max_records: int) -> Batch | None:
        """Return the next batch."""
        assert max_records > 0
        self.asked.append(max_records)
        self._steps.take("poll")
        if not self._batches:
            self._steps.stop.request()
            return None
        batch = self._batches.pop(0)
        if isinstance(batch, BaseException):
            raise batch
        return batch

    def has_committed(self, _batch: Batch) -> bool:
        """Tell what became of a transaction."""
        self._steps.take("has_committed")
        return self.outcomes.pop(0)

    def rewind(self) -> None:
        """Go back."""
        self._steps.take("rewind")

    def settled(self, batch: Batch) -> None:
        """Note what is committed."""
        self.settled_batches.append(batch)

    def stay(self) -> None:
        """Read nothing."""
        self._steps.take("stay")

    def go_on(self) -> None:
        """Read again."""
        self._steps.take("go_on")

    def close(self) -> None:
        """Leave."""
        self._steps.take("intake.close")


class FakeOutput:
    """Takes records; ``limit`` is the largest value that a topic takes."""

    latest_ms = 0

    def __init__(self, steps: Steps, limit: int = 100) -> None:
        self._steps = steps
        self._limit = limit
        self.open: list[tuple[str, int, str]] = []
        self.visible: list[tuple[str, int, str]] = []
        self.disturbances: list[bool] = []

    @property
    def disturbed(self) -> bool:
        """Tell what a test says, and False after that."""
        return bool(self.disturbances) and self.disturbances.pop(0)

    def begin(self, batch: Batch) -> None:
        """Open a transaction."""
        assert batch.ends
        self.open = []
        self._steps.take("begin")

    def write(self, record: Record, outgoing: Sequence[Outgoing]) -> None:
        """Take all records, or refuse them where one is too large."""
        if any(len(one.value or record.value or b"") > self._limit for one in outgoing):
            raise InvalidMessageError(Reason.TOO_LARGE, "too large")
        for one in outgoing:
            self._steps.take(f"send {record.offset}")
            self.open.append((one.topic.key, record.offset, ""))

    def send_letter(self, topic: Topic, record: Record, error: InvalidMessageError, service: str) -> None:
        """Take a dead letter."""
        assert service == "detector"
        self._steps.take(f"letter {record.offset}")
        self.open.append((topic.key, record.offset, error.reason))

    def commit(self, batch: Batch) -> None:
        """Make all visible."""
        assert batch.ends
        self._steps.take("commit")
        self.visible += self.open

    def abort(self) -> None:
        """Drop all."""
        self._steps.take("abort")

    def replace_producer(self) -> None:
        """Take a new producer."""
        self._steps.take("replace")

    def close(self) -> None:
        """Close."""
        self._steps.take("output.close")


class FakeLeftovers:
    """Notes what it is told, and finds nothing; ``wrong`` are errors for :meth:`after`, one a call."""

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.wrong: list[BaseException] = []
        self.unclear = False

    def before(self, producer_ids: set[int], starts: dict[Any, int], *, offsets_sent: bool) -> None:
        """End what the last transaction left open."""
        self.steps.append(("before", producer_ids, dict(starts), offsets_sent))

    def after(self, own_ids: set[int]) -> int:
        """End the rest."""
        self.steps.append(("after", own_ids))
        if self.wrong:
            raise self.wrong.pop(0)
        return 0


class FakeHandler(Forgetful):
    """Writes every record to the legit topic; raises for, or writes otherwise, what ``answers`` says by offset."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.answers: dict[int, BaseException | list[Outgoing]] = {}

    def handle(self, record: Record) -> Sequence[Outgoing]:
        """Answer for a record."""
        self._steps.take(f"handle {record.offset}")
        answer = self.answers.get(record.offset, [Outgoing(topics.LEGIT)])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def committed(self) -> None:
        """Take for good."""
        self._steps.take("committed")

    def aborted(self) -> None:
        """Forget."""
        self._steps.take("aborted")


class FakeResume:
    """Tells a tripped service to go on at its first look."""

    advice = "say so"

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def start(self) -> None:
        """Begin to look."""
        self._steps.take("resume.start")

    def resumed(self) -> bool:
        """Go on."""
        self._steps.take("resume.look")
        return True


class Rig:
    """A loop of which every part is a stand-in."""

    def __init__(self, *batches: Batch | BaseException | None, breaker: Breaker | None = None) -> None:
        self.stop = QuickStop()
        self.steps = Steps(self.stop)
        self.intake = FakeIntake(self.steps, list(batches))
        self.output = FakeOutput(self.steps)
        self.handler = FakeHandler(self.steps)
        self.watchdog = FakeWatchdog()
        self.vitals = CountedVitals()
        self.loop = TransactionalLoop(
            service="detector",
            intake=cast("Intake", self.intake),
            output=cast("Output", self.output),
            handler=self.handler,
            dead_letters=topics.TRANSACTIONS_DEAD_LETTER,
            size=BatchSize(BatchLimits(500, 10**9, 10.0)),
            watchdog=self.watchdog.standing_in(),
            vitals=self.vitals,
            breaker=breaker or Breaker(),
            resume=cast("ResumeWatch", FakeResume(self.steps)),
        )

    def run(self) -> list[str]:
        """Run until there is nothing left, and return the steps without the polls."""
        self.loop.run(self.stop)
        return self.taken

    @property
    def taken(self) -> list[str]:
        """The steps so far, without the polls."""
        return [step for step in self.steps.taken if step != "poll"]

    def wrong(self, **errors: Any) -> None:
        """Let steps go wrong: by name, a list of errors, or None for a time that goes well."""
        self.steps.wrong.update(errors)
