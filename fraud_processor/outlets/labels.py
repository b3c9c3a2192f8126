"""Labels of the transactions of a case that somebody has resolved: records of a topic."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from fraud_processor.cases.changing import LABELS_OUTLET
from fraud_processor.cases.reading import moment
from fraud_processor.outlets.outlet import OutletError
from pipeline.contracts.cases import ALERTS
from pipeline.contracts.labels import Label
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import end_producer, plain_producer
from pipeline.runtime.database.engine import begun
from pipeline.runtime.database.names import restored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from pipeline.runtime.cluster_settings import KafkaSettings

ORIGIN: Final = "analyst"
AT_ONCE: Final = 1000  # labels
FLUSH_SECONDS: Final = 30.0
CLIENT_ID: Final = "fraud-processor-labels"


class LabelsOutlet:
    """Writes a label for each transaction of a case; all of them again, where it is not known of one.

    Of labels with one id, one counts: whoever reads them keeps the first.
    """

    name = LABELS_OUTLET

    def __init__(self, engine: Engine, kafka: KafkaSettings, topic: str) -> None:
        self._engine, self._kafka, self._topic = engine, kafka, topic

    def send(self, key: str, body: str) -> None:  # noqa: ARG002 (each label has an id of its own)
        """See :class:`~fraud_processor.outlets.outlet.Outlet`."""
        # Cases are resolved by people: a connection for each is cheaper than one that is kept and watched.
        try:
            producer = plain_producer(self._kafka, CLIENT_ID)
        except KafkaError as error:
            raise OutletError(f"no broker answers: {type(error).__name__}") from error
        try:
            for labels in self._labels(json.loads(body)):
                sent = [producer.send(self._topic, key=name, value=value) for name, value in labels]
                producer.flush(timeout=FLUSH_SECONDS)
                for one in sent:
                    one.get(timeout=FLUSH_SECONDS)
        except KafkaError as error:
            raise OutletError(f"{self._topic}: {type(error).__name__}") from error
        finally:
            with suppress(KafkaError):
                end_producer(producer, FLUSH_SECONDS)

    def _labels(self, said: dict[str, Any]) -> Iterator[list[tuple[bytes, bytes]]]:
        """Yield keys and values, some at a time."""
        wanted = select(ALERTS.c.transaction_id).where(ALERTS.c.case_id == said["case"]).distinct()
        with begun(self._engine, reading=True) as connection:
            ids = [restored(name) for name in connection.execute(wanted).scalars()]
        for start in range(0, len(ids), AT_ONCE):
            yield [_record(name, said) for name in ids[start : start + AT_ONCE]]


def _record(transaction_id: str, said: dict[str, Any]) -> tuple[bytes, bytes]:
    case, fraud = f"case-{said['case']}", bool(said["fraud"])
    label = Label(
        label_id=f"{ORIGIN}:{case}:{transaction_id}",
        transaction_id=transaction_id,
        kind="confirmed" if fraud else "false-alarm",
        fraud=fraud,
        decisive=True,
        case=case,
        origin=ORIGIN,
        known_at=moment(said["known_us"]),
    )
    # An id may be any text, also what is no Unicode: escaped it can be written.
    value = json.dumps(msgspec.to_builtins(label), separators=(",", ":"))
    return transaction_id.encode(errors="surrogatepass"), value.encode()
