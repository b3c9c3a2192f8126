"""Sends dead letters again, exactly once: each record and the marker that tells of it stand in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.errors import PipelineError
from pipeline.operations.deadletters.letters import Letter, Marker
from pipeline.operations.deadletters.shelf import CLIENT_ID, read_letters
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import COMMIT_SECONDS, FLUSH_SECONDS
from pipeline.runtime.clients.producers import end_producer, transactional_producer
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames
    from pipeline.runtime.watchdog import Watchdog

LETTERS_A_TRANSACTION: Final = 200


class RedriveError(PipelineError):
    """Letters could not be sent again; what was committed before stays, the rest is pending as it was."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters to send again: of ``twin``, for a reason (None: any), at most so many (None: all)."""

    twin: Topic
    reason: str | None
    limit: int | None
    max_attempts: int

    def take(self, letters: list[Letter]) -> list[Letter]:
        """Return the pending letters that are chosen; one that was cut, or tried too often, never is."""
        pending = [
            letter
            for letter in letters
            if letter.redriven is None
            and not letter.truncated
            and letter.attempt < self.max_attempts
            and self.reason in {None, letter.reason}
        ]
        return pending if self.limit is None else pending[: self.limit]


class Redriver:
    """Holds the one transactional id for sending again: initialising it fences a run that is still under way.

    That happens before the letters are read, so two runs never send the same letter.
    """

    def __init__(self, kafka: KafkaSettings, names: TopicNames, twin: Topic, wait: Wait, watchdog: Watchdog) -> None:
        """Take the transactional id.

        Raises:
            BrokerUnavailableError: the cluster does not answer or lacks the topics.

        """
        self._kafka, self._names, self._twin, self._wait, self._watchdog = kafka, names, twin, wait, watchdog
        wanted = [names[twin], names[topics.dead_letters_of(twin)]]
        facts = wait_for_topics(wanted, kafka, CLIENT_ID, wait)
        self._target, self._shelf = facts[wanted[0]], facts[wanted[1]]
        self._producer = until_answered("taking the transactional id", self._new_producer, kafka, wait)

    def _new_producer(self) -> Any:  # noqa: ANN401 (a client without types)
        largest = max(self._target.max_message_bytes, self._shelf.max_message_bytes)
        return transactional_producer(self._kafka, f"{self._kafka.id_prefix}-redrive-{self._twin.key}", largest)

    def send(self, choice: Choice, progress: Callable[[int, int], None]) -> list[Marker]:
        """Send the chosen letters again and return their markers; ``progress`` is told how many of how many.

        Raises:
            RedriveError: the cluster failed, or another run has taken over; sending again goes on where it ended.

        """
        return self.send_letters(choice.take(read_letters(self._kafka, self._names, self._twin, self._wait)), progress)

    def send_letters(
        self, chosen: list[Letter], progress: Callable[[int, int], None] = lambda *_: None
    ) -> list[Marker]:
        """Send these letters again, which must be pending, as :meth:`send` does.

        Raises:
            RedriveError: as there.

        """
        markers: list[Marker] = []
        try:
            for first in range(0, len(chosen), LETTERS_A_TRANSACTION):
                markers += self._transact(chosen[first : first + LETTERS_A_TRANSACTION])
                progress(len(markers), len(chosen))
        except KafkaError as error:
            raise RedriveError(f"{len(markers)} of {len(chosen)} sent again, then {error or type(error)}") from error
        return markers

    def _transact(self, letters: list[Letter]) -> list[Marker]:
        producer = self._producer
        producer.begin_transaction()
        sent = [(letter, self._send(letter)) for letter in letters]
        producer.flush(timeout=FLUSH_SECONDS)
        markers = [
            Marker(letter.place, letter.attempt + 1, Coordinates(metadata.partition, metadata.offset))
            for letter, future in sent
            for metadata in [future.get(timeout=FLUSH_SECONDS)]
        ]
        told = [
            producer.send(self._shelf.name, value=b"", partition=marker.letter.partition, headers=marker.headers())
            for marker in markers
        ]
        producer.flush(timeout=FLUSH_SECONDS)
        for future in told:
            future.get(timeout=FLUSH_SECONDS)
        with self._watchdog.step("committing what is sent again", COMMIT_SECONDS):
            producer.commit_transaction()
        return markers

    def _send(self, letter: Letter) -> Any:  # noqa: ANN401 (a client without types)
        all_headers = list(letter.foreign)
        if self._twin is not topics.TRANSACTIONS:
            # On a branch the transaction keeps its origin, and the attempt tells it from a duplicate.
            if letter.origin is not None:
                all_headers.append((headers.ORIGIN.name, letter.origin.encode()))
            all_headers.append((headers.ATTEMPT.name, b"%d" % (letter.attempt + 1)))
        place = letter.source or letter.place
        return self._producer.send(
            self._target.name,
            value=letter.value,
            key=letter.key,
            headers=all_headers,
            partition=place.partition % self._target.partitions,
            timestamp_ms=letter.timestamp_ms,
        )

    def close(self) -> None:
        """Close the producer; what is open is aborted by the next run or by its time-out."""
        end_producer(self._producer)
