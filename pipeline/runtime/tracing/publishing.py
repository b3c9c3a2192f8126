"""Begins traces, of some of the records that a source sends: each has a span, and its context in a header."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pipeline.runtime.tracing.tracer import PRODUCER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pipeline.contracts.headers import Header
    from pipeline.runtime.outlets import Keyed, Outlet
    from pipeline.runtime.tracing.tracer import Tracer


class TracedOutlet:
    """An outlet of which some records are traced; see :class:`~pipeline.runtime.outlets.Outlet`.

    How many go by before the next one is drawn, and not whether each is: all others cost nothing. A span says that its
    record was given to the client; what brokers make of it is seen where it is read.
    """

    def __init__(self, outlet: Outlet, tracer: Tracer, chance: Random) -> None:
        self.topic = outlet.topic
        self.producer: Any = outlet.producer
        self.push = outlet.push
        self.handed_over = outlet.handed_over
        self._outlet, self._tracer, self._chance = outlet, tracer, chance
        self._gap = self._drawn()

    def take(self, records: Sequence[Keyed], timestamp_ms: int, headers: Sequence[Header] = ()) -> None:
        """Take records, and begin a trace with some of them."""
        begin = 0
        while self._gap < len(records) - begin:
            at = begin + int(self._gap)
            if at > begin:
                self._outlet.take(records[begin:at], timestamp_ms, headers)
            about = {"messaging.system": "kafka", "messaging.destination.name": self.topic}
            span = self._tracer.begin(f"publish {self.topic}", PRODUCER, None, about)
            self._outlet.take(records[at : at + 1], timestamp_ms, (*headers, span.context.header()))
            span.end()
            begin, self._gap = at + 1, self._drawn()
        if begin < len(records):
            self._outlet.take(records[begin:], timestamp_ms, headers)
        self._gap -= len(records) - begin

    def _drawn(self) -> float:
        """Return how many records go by before the next: as often as if each were drawn."""
        share = self._tracer.share
        if share <= 0:
            return math.inf
        if share >= 1:
            return 0
        return math.floor(math.log(1.0 - self._chance.random()) / math.log1p(-share))
