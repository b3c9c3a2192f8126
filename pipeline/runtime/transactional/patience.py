"""How often the cluster may fail in a row before a service gives up, and how long it waits in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pipeline.errors import BrokerUnavailableError
from pipeline.runtime.backoff import growing_waits
from pipeline.runtime.clients.connection import ACCESS_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.lifecycle import Stop

logger = logging.getLogger(__name__)

# About two minutes where nobody listens, more where every step has to time out.
FAILURES_IN_A_ROW: Final = 60


class Patience:
    """Counts failures of one kind of step; any success forgets them."""

    def __init__(self, service: str, step: str) -> None:
        self._service = service
        self._step = step
        self._failures = 0
        self._waits: Iterator[float] = growing_waits()

    def succeeded(self) -> None:
        """Forget what failed before."""
        if self._failures:
            self._failures, self._waits = 0, growing_waits()

    def failed(self, error: Exception, stop: Stop) -> None:
        """Count a failure and wait a little, less when a stop is requested.

        Raises:
            BrokerUnavailableError: it was one too many, or trying again cannot help.

        """
        self._failures += 1
        told = f"{type(error).__name__}: {error}"
        if isinstance(error, ACCESS_ERRORS):
            message = f"{self._step} failed: the cluster refuses us ({told}); check the ACLs of {self._service}"
            raise BrokerUnavailableError(message) from error
        if self._failures >= FAILURES_IN_A_ROW or (stop.requested and self._failures > 1):
            message = f"{self._step} failed {self._failures} times in a row, at last with {told}"
            raise BrokerUnavailableError(message) from error
        seconds = next(self._waits)
        logger.warning("%s failed, trying again in %.2g s: %s", self._step, seconds, told)
        stop.wait(seconds)
