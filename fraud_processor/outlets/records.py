"""Messages to a topic: records that come of a case, some or very many."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from fraud_processor.outlets.outlet import OutletError
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import end_producer, plain_producer
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from pipeline.contracts.headers import Header
    from pipeline.runtime.cluster_settings import KafkaSettings

AT_ONCE: Final = 1000  # records
FLUSH_SECONDS: Final = 30.0


class Sent(NamedTuple):
    """A record to write; without a ``partition`` its key decides, without a time it is now."""

    key: bytes | None
    value: bytes
    headers: Sequence[Header] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class Records(Protocol):
    """Makes the records of a message."""

    def __call__(self, connection: Connection, said: dict[str, Any]) -> Iterator[Sent]:
        """Yield the records of what a message said; asked anew where it is sent again."""
        ...


class RecordsOutlet:
    """Writes the records of a message to a topic; all of them again, where it is not known of one."""

    def __init__(self, name: str, engine: Engine, kafka: KafkaSettings, topic: str, records: Records) -> None:
        self.name = name
        self._engine, self._kafka, self._topic, self._records = engine, kafka, topic, records

    def send(self, key: str, body: str) -> None:  # noqa: ARG002 (each record tells by itself that it is one again)
        """See :class:`~fraud_processor.outlets.outlet.Outlet`."""
        # Cases are resolved by people: a connection for each is cheaper than one that is kept and watched.
        try:
            producer = plain_producer(self._kafka, f"{self._kafka.id_prefix}-fraud_processor-{self.name}")
        except KafkaError as error:
            raise OutletError(f"no broker answers: {type(error).__name__}") from error
        try:
            with begun(self._engine, reading=True) as connection:
                self._write(producer, self._records(connection, json.loads(body)))
        except KafkaError as error:
            raise OutletError(f"{self._topic}: {type(error).__name__}") from error
        finally:
            with suppress(KafkaError):
                end_producer(producer, FLUSH_SECONDS)

    def _write(self, producer: Any, records: Iterator[Sent]) -> None:  # noqa: ANN401 (a client without types)
        waiting = []
        for key, value, headers, partition, timestamp_ms in records:
            waiting.append(
                producer.send(
                    self._topic,
                    key=key,
                    value=value,
                    headers=list(headers),
                    partition=partition,
                    timestamp_ms=timestamp_ms,
                )
            )
            if len(waiting) >= AT_ONCE:
                _settle(producer, waiting)
        _settle(producer, waiting)


def _settle(producer: Any, waiting: list[Any]) -> None:  # noqa: ANN401 (as above)
    """Wait until all of them are written; raises KafkaError where one is not."""
    producer.flush(timeout=FLUSH_SECONDS)
    for one in waiting:
        one.get(timeout=FLUSH_SECONDS)
    waiting.clear()
