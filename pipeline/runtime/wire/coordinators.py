"""Asks a coordinator, of a group or of transactions, until it does what is wanted; one that has moved is looked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import (
    CoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NotCoordinatorError,
    RetriableError,
    for_code,
)

from pipeline.runtime.clients.deadlines import COORDINATOR_MS, REQUEST_MS
from pipeline.runtime.wire.pauses import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pipeline.runtime.clients.connection import KafkaError
    from pipeline.runtime.wire.line import Line
    from pipeline.runtime.wire.lines import Lines

MOVED: Final = (NotCoordinatorError, CoordinatorNotAvailableError)


class Coordinators:
    """Those that are reached by ``lines``."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def ask(  # noqa: PLR0913 (what is asked, of whom, and what an answer means)
        self,
        kind: Any,  # noqa: ANN401 (a client without types)
        name: str,
        request: Callable[[], Any],
        codes: Callable[[Any], Sequence[int]],
        doing: str,
        *,
        asked: Line | None = None,
    ) -> Any:  # noqa: ANN401 (as above)
        """Return the answer that has no error. ``asked``: it was, once, and the answer is to come by this line.

        Raises:
            KafkaError: it refuses, did not do it in ``COORDINATOR_MS`` (the last answer may come later), or a
                connection broke: any of ours, since who comes back may have forgotten what we rely on.

        """
        deadline = time.monotonic() + COORDINATOR_MS / 1000
        pauses = Pauses(deadline)
        while True:
            try:
                within = time.monotonic() + REQUEST_MS / 1000
                if asked is not None:
                    line, asked = asked, None
                    answer = line.receive(within)
                else:
                    answer = self._lines.to_coordinator(kind, name).ask(request(), within)
                found = {code for code in codes(answer) if code}
                if not found:
                    return answer
                error: KafkaError = _worst(found, doing)
            except MOVED as moved:
                error = moved
            if not isinstance(error, RetriableError):
                raise error
            if isinstance(error, MOVED):
                self._lines.forget_coordinator(kind, name)
            if not pauses.wait():
                raise KafkaTimeoutError(f"the coordinator did not do it in {COORDINATOR_MS} ms, {doing}: {error!r}")
            if not self._lines.well():
                raise KafkaConnectionError(f"a connection broke, {doing}: {error!r}")


def _worst(codes: Collection[int], doing: str) -> KafkaError:
    """Return the error that decides: one that is not passing, where there is one."""
    errors = [for_code(code)(doing) for code in sorted(codes)]
    return next((one for one in errors if not isinstance(one, RetriableError)), errors[0])
