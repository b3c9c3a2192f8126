"""Which way records take through a service: in whole batches, or one by one, and by which producer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import kafka
from kafka.errors import UnsupportedVersionError
from kafka.record import util

from pipeline.contracts.records import record_of
from pipeline.runtime import parsing
from pipeline.runtime.batches.compatible import why_not
from pipeline.runtime.batches.consuming import read_batches
from pipeline.runtime.batches.fetching import APART_SECONDS, fetch_when_polled
from pipeline.runtime.batches.producing import BatchProducer
from pipeline.runtime.batches.publishing import BatchOutlet
from pipeline.runtime.batches.sending import BatchSender
from pipeline.runtime.clients.producers import transactional_producer
from pipeline.runtime.environment import Variable
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.pieces import Made, records_in_all
from pipeline.runtime.transactional.senders import RecordSender
from pipeline.runtime.wire.writer import TransactionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.outlets import Outlet
    from pipeline.runtime.pieces import Piece
    from pipeline.runtime.transactional.batch import Read
    from pipeline.runtime.transactional.senders import Sender

logger = logging.getLogger(__name__)

BATCHES: Final = "batches"
CLIENT_BATCHES: Final = "client-batches"
RECORDS: Final = "records"

RECORD_PATH = Variable(
    "PIPELINE_RECORD_PATH",
    parsing.choice(BATCHES, CLIENT_BATCHES, RECORDS),
    BATCHES,
    "How records are moved: batches (many at once, several times faster), client-batches (the same, but transactions "
    "are written by kafka-python's own producer; taken by itself where the cluster's transaction.version is below 2) "
    "or records (one by one; taken by itself where the client's version was not tested with batches).",
)


def _writer(settings: KafkaSettings, transactional_id: str, largest_record: int) -> Any:  # noqa: ANN401 (no types)
    """Return our own writer of transactions, or the client's producer where the cluster is too old for it."""
    try:
        return TransactionWriter(settings, transactional_id)
    except UnsupportedVersionError as error:
        logger.info("transactions are written by the client's own producer, in more round trips: %s", error)
        return _client_producer(settings, transactional_id, largest_record)


def _client_producer(settings: KafkaSettings, transactional_id: str, largest_record: int) -> Any:  # noqa: ANN401 (as above)
    return transactional_producer(settings, transactional_id, largest_record, BatchProducer)


# How a batch path makes its producers.
_MAKE_PRODUCER: Final = {BATCHES: _writer, CLIENT_BATCHES: _client_producer}


@dataclass(frozen=True, slots=True)
class RecordPath:
    """One way. ``prepare`` is shown the consumer before it is used, ``read`` makes pieces of what it polls.

    ``make_producer`` takes the cluster, a transactional id, which is initialised, and the bytes of the largest record;
    ``make_sender`` makes what gives records to such producers.
    """

    name: str
    prepare: Callable[[Any], None]
    read: Read
    make_sender: Callable[[], Sender]
    make_producer: Callable[[KafkaSettings, str, int], Any]


def one_by_one(*, is_input: bool, hops: Collection[str] = ()) -> RecordPath:
    """Return the way by the client's public functions.

    ``is_input``: from the topic where transactions enter, and from those named in ``hops``, where none does.
    """
    make, make_hop = partial(record_of, is_input=is_input), partial(record_of, is_input=False)

    def read(polled: list[Any]) -> Sequence[Piece]:
        return (Made(polled, make_hop if hops and polled[0].topic in hops else make),)

    return RecordPath(RECORDS, lambda _consumer: None, read, RecordSender, transactional_producer)


def in_batches(*, is_input: bool, hops: Collection[str] = (), name: str = BATCHES) -> RecordPath:
    """Return the way by whole batches, of this ``name``; else as :func:`one_by_one`."""

    def prepare(consumer: Any) -> None:  # noqa: ANN401 (a client without types)
        read_batches(consumer, is_input=is_input, hops=hops)
        fetch_when_polled(consumer, records_in_all, apart_seconds=APART_SECONDS)

    return RecordPath(name, prepare, lambda polled: polled, BatchSender, _MAKE_PRODUCER[name])


def record_path(wanted: str, *, is_input: bool, hops: Collection[str] = ()) -> RecordPath:
    """Return the way that was asked for, or the other where the client at hand does not allow it, and say which."""
    if _batches_allowed(wanted):
        return in_batches(is_input=is_input, hops=hops, name=wanted)
    return one_by_one(is_input=is_input, hops=hops)


def outlet_of(wanted: str, producer: Any, facts: TopicFacts) -> Outlet:  # noqa: ANN401 (a client without types)
    """Return the way from a source to a topic, chosen as :func:`record_path` does; ``producer`` has no transactions."""
    return BatchOutlet(producer, facts) if _batches_allowed(wanted) else RecordOutlet(producer, facts.name)


def _batches_allowed(wanted: str) -> bool:
    if wanted == RECORDS:
        return False
    reason = why_not(kafka.__version__, fast_checksums=util.crc32c_c is not None)
    if reason is not None:
        logger.warning("records are moved one by one, which is several times slower: %s", reason)
    return reason is None
