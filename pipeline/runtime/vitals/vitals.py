"""The vital signs of a process: its heart, whether it is ready, and whoever has figures of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pipeline.runtime.health import MAX_AGE_SECONDS, Heartbeat
from pipeline.runtime.vitals import metrics
from pipeline.runtime.vitals.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.runtime.tracing.tracer import Tracer
    from pipeline.runtime.vitals.figures import Figures

STARTING: Final = "starting"


class Vitals:
    """Is told by the loop of a service, and asked by the thread that serves; both only set or read whole values.

    ``why_not`` says why the service is not ready, and is empty while it is. ``tracer`` makes spans, where
    somebody wants any.
    """

    def __init__(
        self, service: str, heartbeat_file: Path | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.service = service
        self.why_not = STARTING
        self.tracer: Tracer | None = None
        self._heart = Heartbeat(heartbeat_file)
        self._now = now
        self._beaten: float | None = None
        self._within = MAX_AGE_SECONDS
        self._sources: list[Figures] = []

    def beat(self, within: float = MAX_AGE_SECONDS) -> None:
        """Say that the loop turns, and will again within so many seconds."""
        self._beaten, self._within = self._now(), max(within, MAX_AGE_SECONDS)
        self._heart.beat(self._within)

    def add(self, figures: Figures) -> None:
        """Ask for these figures, too."""
        self._sources.append(figures)

    def silent_seconds(self) -> float:
        """Return for how long the loop has not turned; while it is still to begin, 0: a start has its own bounds."""
        return 0.0 if self._beaten is None else max(0.0, self._now() - self._beaten)

    @property
    def alive(self) -> bool:
        """Tell whether the loop turns, or is at a step that may take longer."""
        return self.silent_seconds() <= self._within

    def why_not_ready(self) -> str:
        """Return why what comes is not handled at once; nothing where it is."""
        silent = self.silent_seconds()
        return self.why_not if silent <= MAX_AGE_SECONDS else f"the loop has not turned for {silent:.0f} s"

    def figures(self) -> Iterator[Figure]:
        """Return the figures of now."""
        yield Figure(metrics.INFO, 1, (self.service,))
        yield Figure(metrics.READY, int(not self.why_not_ready()))
        if self._beaten is not None:
            yield Figure(metrics.BEAT, time.time() - self.silent_seconds())
        for source in list(self._sources):
            yield from source()
