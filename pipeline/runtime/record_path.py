"""Which way records take through a service: in whole batches, or one by one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import kafka
from kafka.record import util

from pipeline.contracts.records import record_of
from pipeline.runtime import parsing
from pipeline.runtime.batches.compatible import why_not
from pipeline.runtime.batches.consuming import read_batches
from pipeline.runtime.batches.fetching import fetch_when_polled
from pipeline.runtime.batches.publishing import BatchOutlet
from pipeline.runtime.batches.sending import BatchSender
from pipeline.runtime.environment import Variable
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.pieces import Made, records_in_all
from pipeline.runtime.transactional.senders import RecordSender

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.outlets import Outlet
    from pipeline.runtime.pieces import Piece
    from pipeline.runtime.transactional.batch import Read
    from pipeline.runtime.transactional.senders import Sender

logger = logging.getLogger(__name__)

BATCHES: Final = "batches"
RECORDS: Final = "records"

RECORD_PATH = Variable(
    "PIPELINE_RECORD_PATH",
    parsing.choice(BATCHES, RECORDS),
    BATCHES,
    "How records are moved: batches (many at once, several times faster) or records (one by one, by the client's "
    "own send and poll; taken by itself where the client's version was not tested with batches).",
)


@dataclass(frozen=True, slots=True)
class RecordPath:
    """One way. ``prepare`` is shown the consumer before it is used, ``read`` makes pieces of what it polls."""

    name: str
    prepare: Callable[[Any], None]
    read: Read
    make_sender: Callable[[], Sender]


def one_by_one(*, is_input: bool, hops: Collection[str] = ()) -> RecordPath:
    """Return the way by the client's public functions.

    ``is_input``: from the topic where transactions enter, and from those named in ``hops``, where none does.
    """
    make, make_hop = partial(record_of, is_input=is_input), partial(record_of, is_input=False)

    def read(polled: list[Any]) -> Sequence[Piece]:
        return (Made(polled, make_hop if hops and polled[0].topic in hops else make),)

    return RecordPath(RECORDS, lambda _consumer: None, read, RecordSender)


def in_batches(*, is_input: bool, hops: Collection[str] = ()) -> RecordPath:
    """Return the way by whole batches; else as :func:`one_by_one`."""

    def prepare(consumer: Any) -> None:  # noqa: ANN401 (a client without types)
        read_batches(consumer, is_input=is_input, hops=hops)
        fetch_when_polled(consumer, records_in_all)

    return RecordPath(BATCHES, prepare, lambda polled: polled, BatchSender)


def record_path(wanted: str, *, is_input: bool, hops: Collection[str] = ()) -> RecordPath:
    """Return the way that was asked for, or the other where the client at hand does not allow it, and say which."""
    way = in_batches if _batches_allowed(wanted) else one_by_one
    return way(is_input=is_input, hops=hops)


def outlet_of(wanted: str, producer: Any, facts: TopicFacts) -> Outlet:  # noqa: ANN401 (a client without types)
    """Return the way from a source to a topic, chosen as :func:`record_path` does; ``producer`` has no transactions."""
    return BatchOutlet(producer, facts) if _batches_allowed(wanted) else RecordOutlet(producer, facts.name)


def _batches_allowed(wanted: str) -> bool:
    if wanted != BATCHES:
        return False
    reason = why_not(kafka.__version__, fast_checksums=util.crc32c_c is not None)
    if reason is not None:
        logger.warning("records are moved one by one, which is several times slower: %s", reason)
    return reason is None
