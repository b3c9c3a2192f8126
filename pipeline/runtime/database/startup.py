"""Waiting at the start for a database."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import EXIT_UNAVAILABLE, PipelineError, StoppedError
from pipeline.runtime.backoff import growing_waits
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.backoff import Wait

logger = logging.getLogger(__name__)

T = TypeVar("T")


class DatabaseUnavailableError(PipelineError):
    """The database did not answer within the time that was granted."""

    exit_code = EXIT_UNAVAILABLE


def until_reached(action: Callable[[], T], variable: str, seconds: float, wait: Wait) -> T:
    """Return what ``action`` returns, trying again with growing waits while the database cannot be reached.

    Raises:
        DatabaseUnavailableError: no success within so many seconds; it names the variable that says where it is.
        StoppedError: a stop was requested meanwhile.

    """
    deadline = time.monotonic() + seconds
    for pause in growing_waits():
        try:
            return action()
        except EffectsError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DatabaseUnavailableError(f"no database within {seconds:g} s: {error}; see {variable}") from error
            logger.warning("%s; trying again, for %.0f s more", error, left)
            if wait(min(pause, left)):
                raise StoppedError("waiting for the database") from None
    raise AssertionError  # growing_waits never ends
