"""Spans around what a service does with a record: of those records alone that carry the context of a trace.

A span ends with its transaction. One that is undone has no span: its records come again, and get another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from pipeline.contracts.headers import TRACE
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.records import Outgoing
from pipeline.contracts.tracecontext import context_in
from pipeline.runtime.tracing.tracer import CONSUMER, attributes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline.contracts.records import Record
    from pipeline.runtime.handler import Handler, Place
    from pipeline.runtime.tracing.tracer import Span, Tracer
    from pipeline.runtime.transactional.effects import Effects

    # Returns attributes of what is written because of a record.
    Describe = Callable[[Sequence[Outgoing]], Mapping[str, str]]

MOST_AT_ONCE: Final = 2_000  # spans of one transaction; what is beyond goes on in its trace without one


def _nothing(_: Sequence[Outgoing]) -> Mapping[str, str]:
    return {}


class Traced:
    """A handler with spans; see :class:`~pipeline.runtime.handler.Handler`. ``verb`` is what it does to a record."""

    def __init__(self, handler: Handler, tracer: Tracer, verb: str, describe: Describe | None = None) -> None:
        self._handler, self._tracer = handler, tracer
        self._verb, self._describe = verb, describe or _nothing
        self._spans: dict[tuple[str, int, int], Span] = {}
        self.reach_ms = handler.reach_ms
        self.observe = handler.observe
        self.memory = handler.memory

    def handle(self, record: Record) -> Sequence[Outgoing]:
        """Let it be handled; what is written because of it carries the context on."""
        parent = context_in(record.headers) if record.headers else None
        if parent is None or len(self._spans) >= MOST_AT_ONCE:
            return self._handler.handle(record)
        place = (record.topic, record.partition, record.offset)
        span = self._tracer.begin(f"{self._verb} {record.topic}", CONSUMER, parent, attributes_of(*place))
        self._spans[place] = span
        carried = span.context.header()
        others = tuple(header for header in record.headers if header[0] != TRACE.name)
        try:
            outgoing = self._handler.handle(replace(record, headers=(*others, carried)))
        except InvalidMessageError as error:
            span.failed(str(error.reason))
            raise
        for name, value in self._describe(outgoing).items():
            span.note(name, value)
        if outgoing:
            span.note("fraud.branch", outgoing[0].topic.key)
        return [Outgoing(one.topic, one.value, (*one.headers, carried), one.key) for one in outgoing]

    def refused(self, record: Record, error: InvalidMessageError) -> None:
        """Note that a record was refused after it was handled."""
        span = self._spans.get((record.topic, record.partition, record.offset))
        if span is not None:
            span.failed(str(error.reason))

    def committed(self) -> None:
        """Tell of what was done."""
        self._handler.committed()
        for span in self._spans.values():
            span.end()
        self._spans.clear()

    def aborted(self) -> None:
        """Forget what was undone."""
        self._spans.clear()
        self._handler.aborted()

    def assigned(self, kept: Collection[Place]) -> None:
        """Begin anew; nothing is staged."""
        self._spans.clear()
        self._handler.assigned(kept)


class TracedEffects:
    """Effects whose refusals end up in the spans; see :class:`~pipeline.runtime.transactional.effects.Effects`."""

    def __init__(self, effects: Effects, traced: Traced) -> None:
        self._effects, self._traced = effects, traced
        self.resumed = effects.resumed
        self.save = effects.save

    def refused(self) -> Iterable[tuple[Record, InvalidMessageError]]:
        """Return what is refused, and note it."""
        found = list(self._effects.refused())
        for record, error in found:
            self._traced.refused(record, error)
        return found
