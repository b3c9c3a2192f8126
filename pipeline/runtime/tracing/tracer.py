"""Makes spans, and sends them by a thread of its own: what a collector does not take is dropped, and nothing waits."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from pipeline.runtime.tracing.settings import CONSOLE, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.contracts.tracecontext import TraceContext
    from pipeline.runtime.tracing.settings import TraceSettings

logger = logging.getLogger(__name__)

CLOSE_MS: Final = 3_000
EXPORT_SECONDS: Final = 5.0

PRODUCER: Final = "PRODUCER"
CONSUMER: Final = "CONSUMER"
CLIENT: Final = "CLIENT"


class Span(Protocol):
    """Something that was done for a transaction. It is told when it ends, and never if it does not."""

    context: TraceContext

    def note(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        ...

    def failed(self, why: str) -> None:
        """Say that it came to nothing."""
        ...

    def end(self) -> None:
        """Tell of it."""
        ...


class Tracer(Protocol):
    """Makes spans. ``share`` of what enters the pipeline begins a trace."""

    share: float

    def begin(self, name: str, kind: str, parent: TraceContext | None, attributes: Mapping[str, str | int]) -> Span:
        """Begin a span behind another one, or a trace."""
        ...


@contextmanager
def tracer_of(settings: TraceSettings, service: str) -> Iterator[Tracer | None]:
    """Yield what makes spans for the time of the block; None where nothing is traced."""
    if settings.exporter == NONE:
        yield None
        return
    # Only who asks for traces pays for their libraries: a second at the start, and some ten megabytes.
    from pipeline.runtime.tracing.opentelemetry import OpenTelemetry  # noqa: PLC0415

    made = OpenTelemetry(settings, service)
    where = "standard output" if settings.exporter == CONSOLE else settings.endpoint
    logger.info("traces go to %s, of %g of what is generated", where, settings.share)
    try:
        yield made
    finally:
        made.close()


def attributes_of(topic: str, partition: int, offset: int) -> dict[str, Any]:
    """Return what is said of a record, by the conventions for messaging."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
    }
