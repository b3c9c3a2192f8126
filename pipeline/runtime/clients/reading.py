"""Reading a topic from one place to another, committed records only, by position and within a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from kafka.structs import TopicPartition

from pipeline.errors import PipelineError
from pipeline.runtime.clients.consumers import reader
from pipeline.runtime.clients.stretch import Stretch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from types import TracebackType

    from pipeline.runtime.cluster_settings import KafkaSettings

POLL_MS: Final = 200
POLL_RECORDS: Final = 5_000


class ReadingStalledError(PipelineError):
    """A topic could not be read up to where it was known to reach."""


def read_between(
    settings: KafkaSettings, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], idle: float
) -> Iterator[Any]:
    """Yield the committed records of a topic from ``starts`` up to ``ends``, both by partition.

    What counts is the position: markers and aborted records take offsets too, and a transaction that was just
    committed shows a moment later. Each record has partition, offset, timestamp, key, value and headers.

    Raises:
        ReadingStalledError: no partition came forward for ``idle`` seconds.
        KafkaError: no broker answers.

    """
    if all(starts[partition] >= end for partition, end in ends.items()):
        return
    consumer = reader(settings, f"{settings.id_prefix}-reader")
    try:
        yield from _read(consumer, topic, starts, ends, idle)
    finally:
        consumer.close(autocommit=False)


class OpenReader:
    """A reader outside any group, for the time of a ``with`` block.

    Raises:
        KafkaError: where no broker answers.

    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._consumer = reader(settings, client_id)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False)


class Lookup(OpenReader):
    """Reads stretches of one topic over one connection, for the time of a ``with`` block.

    Raises:
        KafkaError: from every method, where no broker answers.

    """

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        super().__init__(settings, f"{settings.id_prefix}-lookup")
        self._topic = topic

    def read(self, partition: int, start: int, end: int, idle: float) -> Generator[Any, None, None]:
        """Yield the committed records of one partition from ``start`` to below ``end``, as :func:`read_between`.

        A stretch need not be read to its end; the one that is begun next ends it.
        """
        yield from _read(self._consumer, self._topic, {partition: start}, {partition: end}, idle)


def _read(
    consumer: Any,  # noqa: ANN401 (a client without types)
    topic: str,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
    idle: float,
) -> Iterator[Any]:
    places = {partition: TopicPartition(topic, partition) for partition in ends}
    stretch = Stretch(
        consumer,
        {place: starts[partition] for partition, place in places.items()},
        {place: ends[partition] for partition, place in places.items()},
    )
    while not stretch.over:
        for place, records in consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).items():
            end = ends[place.partition]
            # Nearly always the last record decides for all of them.
            yield from records if records[-1].offset < end else (record for record in records if record.offset < end)
        stretch.look()
        stuck = stretch.stuck(idle)
        if stuck is not None:
            raise ReadingStalledError(f"{stuck}; an open transaction?")


class Tail:
    """Follows topics, committed records only, as long as it is asked."""

    def __init__(
        self,
        settings: KafkaSettings,
        partitions: Mapping[str, int],
        starts: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        """Follow the topics in ``partitions``, which tells how many each has.

        Partitions are read from ``starts``, by topic and number, where they are in it, else from their beginning.

        Raises:
            KafkaError: no broker answers.

        """
        self._consumer = reader(settings, f"{settings.id_prefix}-tail")
        places = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        for place in places:
            if starts is not None and (place.topic, place.partition) in starts:
                self._consumer.seek(place, starts[place.topic, place.partition])

    def read(self) -> Iterator[Any]:
        """Yield what has come since the last time; waits up to 0.2 seconds where nothing has."""
        for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).values():
            yield from records

    def has_reached(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Tell whether what has been read goes to these offsets, by topic and partition; markers count."""
        return all((self._consumer.position(TopicPartition(*place)) or 0) >= end for place, end in ends.items())

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False)
