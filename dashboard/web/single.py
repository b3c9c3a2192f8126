"""One record, looked up where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts.moments import moment_of
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import Lookup, ReadingStalledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.cluster_settings import KafkaSettings

IDLE_SECONDS: Final = 5.0
MAX_BYTES: Final = 64 * 1024
CLIENT_ID: Final = "dashboard-lookup"


class Gone(LookupError):  # noqa: N818 (it is what a record is)
    """No record stands there: retention has taken it, or it never was."""

    def __init__(self) -> None:
        super().__init__("no record stands there: retention has taken it, or it never was")


def record_at(
    kafka: KafkaSettings, partitions: Mapping[str, int], topic: str, partition: int, offset: int
) -> dict[str, Any]:
    """Return a record of one of the topics as text: what is no UTF-8 is escaped, what is too long is cut.

    Raises:
        Gone: there is none.
        KafkaError: no broker answers.

    """
    if partition >= partitions.get(topic, 0):
        raise Gone
    with Cluster(kafka, CLIENT_ID) as cluster:
        count = partitions[topic]
        begin, end = cluster.beginnings(topic, count)[partition], cluster.readable_ends(topic, count)[partition]
    if not begin <= offset < end:
        raise Gone
    with Lookup(kafka, topic) as lookup:
        try:
            for record in lookup.read(partition, offset, offset + 1, IDLE_SECONDS):
                return told_of(topic, record)
        except ReadingStalledError:
            raise Gone from None
    raise Gone


def told_of(topic: str, record: Any) -> dict[str, Any]:  # noqa: ANN401 (of a client without types)
    """Return a record as text."""
    value = record.value or b""
    return {
        "topic": topic,
        "partition": record.partition,
        "offset": record.offset,
        "time": moment_of(record.timestamp).isoformat().replace("+00:00", "Z"),
        "key": None if record.key is None else _text(record.key),
        "headers": [[name, None if told is None else _text(told)] for name, told in record.headers],
        "bytes": len(value),
        "value": _text(value),
    }


def _text(value: bytes) -> str:
    return value[:MAX_BYTES].decode(errors="backslashreplace")
