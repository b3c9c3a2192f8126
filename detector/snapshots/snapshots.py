"""Snapshots of a detector's memory, both sides of them, put together for the time that it runs."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from detector.snapshots.keeping import Keeping
from detector.snapshots.places import Places
from detector.snapshots.resuming import Resuming
from detector.snapshots.topic import SnapshotsTopic
from detector.snapshots.writer import Writer
from pipeline.contracts import topics
from pipeline.runtime.snapshots import NoSnapshots
from pipeline.runtime.startup import wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from detector.snapshots.places import Remembering
    from pipeline.contracts.topics import Topic
    from pipeline.runtime import snapshots
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.handler import Place
    from pipeline.runtime.settings import CommonSettings
    from pipeline.runtime.vitals import Figure, Vitals

logger = logging.getLogger(__name__)


class Snapshots:
    """Brings memory back, and keeps snapshots of it from then on; see :class:`pipeline.runtime.snapshots.Snapshots`."""

    def __init__(self, resuming: Resuming, keeping: Keeping) -> None:
        self._resuming = resuming
        self._keeping = keeping
        self._given_up = False

    def open(self, ends: Mapping[Place, int]) -> None:
        """Begin to bring back."""
        self._keeping.drop(ends)
        self._resuming.open(ends)

    def read(self) -> Mapping[Place, int] | None:
        """Go on bringing back."""
        found = self._resuming.go_on()
        if found is None:
            return None
        self._keeping.add(found.books)
        return found.offsets

    def leave(self) -> None:
        """Leave off bringing back."""
        self._resuming.close()

    def figures(self) -> Iterator[Figure]:
        """Return what became of snapshots; for another thread."""
        return self._keeping.figures()

    def rest(self, stands: Mapping[Place, int]) -> None:
        """Pack for a moment what is remembered."""
        if self._given_up:
            return
        try:
            self._keeping.rest(stands)
        except Exception:
            # A bug: what is written here shortens a start, and is worth no standstill.
            self._given_up = True
            logger.exception("snapshots are not written any more, until this detector is started anew")


@contextmanager
def snapshots_of(
    common: CommonSettings, seconds: int, hops: Sequence[Topic], wait: Wait, vitals: Vitals
) -> Iterator[Callable[[Remembering], snapshots.Snapshots]]:
    """Yield what makes the snapshots of a detector, written every so many ``seconds``; 0: there are none.

    What becomes of them is told in figures of ``vitals``.

    Raises:
        BrokerUnavailableError: the cluster does not answer, lacks the topic or one that is read, or refuses us.
        StoppedError: a stop was requested meanwhile.

    """
    if not seconds:
        yield lambda _: NoSnapshots()
        return
    kafka, name = common.kafka, common.topics[topics.SNAPSHOTS]
    entry = common.topics[topics.TRANSACTIONS]
    logs = [entry, *(common.topics[hop] for hop in hops)]
    facts = wait_for_topics([name, *logs], kafka, f"{kafka.id_prefix}-snapshots", wait)
    topic = SnapshotsTopic(kafka, facts[name])
    writer = Writer(name, topic.producer)
    ids = {log: facts[log].id for log in logs}
    # Ids that messages lack are made of that of the input, whichever log they are read from.
    about = f"{common.format.told()} {facts[entry].id}"

    def made(detector: Remembering) -> snapshots.Snapshots:
        places = Places(detector, ids, about, facts[name].partitions)
        found = Snapshots(Resuming(places, topic.read), Keeping(places, writer, seconds))
        vitals.add(found.figures)
        return found

    writer.start()
    try:
        yield made
    finally:
        writer.close()
