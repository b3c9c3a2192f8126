"""The state of a service whose breaker has tripped: up, a member of its group, and reading nothing.

To end instead would let a restart policy drain the topic into the dead letters, a batch at a time.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import ReadingStalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.breaker import BreakerTrippedError
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.resume import ResumeWatch
    from pipeline.runtime.transactional.intake import Intake

logger = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 2.0


def _resumed(resume: ResumeWatch) -> bool:
    try:
        return resume.resumed()
    except (KafkaError, ReadingStalledError) as error:
        logger.warning("cannot look whether to go on, looking again: %s", error)
        return False


def wait_until_resumed(
    error: BreakerTrippedError, intake: Intake, resume: ResumeWatch, beat: Callable[[], None], stop: Stop
) -> bool:
    """Wait until a person says to go on, with an ERROR a minute; return False where a stop is requested first.

    Raises:
        KafkaError: the cluster does not answer; nothing is decided.

    """
    resume.start()
    told = looked = float("-inf")
    try:
        while not stop.requested:
            beat()
            now = time.monotonic()
            if now - told >= TELL_SECONDS:
                told = now
                logger.error("tripped, reading nothing: %s; look at the dead letters, then %s", error, resume.advice)
            intake.stay()
            if now - looked >= LOOK_SECONDS:
                looked = now
                if _resumed(resume):
                    logger.info("going on as told")
                    return True
        return False
    finally:
        intake.go_on()
