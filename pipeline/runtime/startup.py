"""Waiting at the start for what a service needs: brokers that answer, and topics that exist."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.errors import BrokerUnavailableError, StoppedError
from pipeline.runtime.backoff import growing_waits
from pipeline.runtime.clients.cluster import Cluster, TopicFacts
from pipeline.runtime.clients.connection import ACCESS_ERRORS, KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A cluster that has just started, or just made a topic, needs a moment: that is not worth a warning.
GRACE_SECONDS: Final = 1.0


class _NotYetError(Exception):
    """The cluster answers, and something is still missing."""


def until_answered(what: str, action: Callable[[], T], settings: KafkaSettings, wait: Wait) -> T:
    """Return what ``action`` returns, trying again with growing waits while the cluster does not answer.

    Raises:
        BrokerUnavailableError: no success within the start-up time, or access was refused.
        StoppedError: a stop was requested meanwhile.

    """
    brokers = ",".join(settings.brokers)
    deadline = time.monotonic() + settings.startup_timeout_seconds
    for seconds in growing_waits():
        try:
            return action()
        except ACCESS_ERRORS as error:
            message = f"{what}: {brokers} refuses us ({_told(error)}); check the KAFKA_SASL_ and KAFKA_SSL_ variables"
            raise BrokerUnavailableError(message) from error
        except (KafkaError, _NotYetError) as error:
            left = deadline - time.monotonic()
            if left <= 0:
                # The client hides why it could not log in behind a time-out.
                login = "" if settings.security_protocol == "PLAINTEXT" else " Do the KAFKA_SASL_ and KAFKA_SSL_ fit?"
                message = (
                    f"{what}: not within {settings.startup_timeout_seconds:g} s ({_told(error)}); "
                    f"is Kafka running at {brokers} (KAFKA_BROKER_URL)?{login}"
                )
                raise BrokerUnavailableError(message) from error
            if settings.startup_timeout_seconds - left > GRACE_SECONDS:
                logger.warning("%s: %s; trying again, for %.0f s more", what, _told(error), left)
            if wait(min(seconds, left)):
                raise StoppedError(what) from None
    raise AssertionError  # growing_waits never ends


def wait_for_topics(names: Iterable[str], settings: KafkaSettings, client_id: str, wait: Wait) -> dict[str, TopicFacts]:
    """Return the facts of all these topics once they exist.

    Raises:
        BrokerUnavailableError: they do not, within the start-up time.
        StoppedError: a stop was requested meanwhile.

    """
    wanted = list(names)

    def described() -> dict[str, TopicFacts]:
        with Cluster(settings, client_id) as cluster:
            facts = cluster.describe(wanted)
        missing = [name for name in wanted if name not in facts]
        if missing:
            message = f"no topic {', '.join(missing)} yet; `python -m pipeline.runtime.provision` creates it"
            raise _NotYetError(message)
        return facts

    return until_answered("looking for the topics", described, settings, wait)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
