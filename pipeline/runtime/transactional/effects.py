"""Effects outside of Kafka, such as rows of a database: saved with how far they go, before Kafka commits.

Two systems cannot commit at once. So the database goes first: in one transaction of its own it takes the effects and,
for each partition, the offset behind the last record that they come from, its *watermark*. Then Kafka commits. Killed
in between, the database is ahead: the same records come again, and what is below the watermark has its effects already.
The watermark moves from the value that this process has read and from no other, so of two processes that both believe
to own a partition one saves, and the other finds that it is not its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.contracts.invalid import InvalidMessageError
    from pipeline.contracts.records import Record
    from pipeline.runtime.handler import Place


class EffectsError(Exception):
    """Effects could not be read or saved, or nobody can tell: the transaction is made again."""


class NotOursError(EffectsError):
    """Another process has saved effects of a partition since we have read how far they go."""


# What is tried again, from what stands in the database and in Kafka.
RETRIED: Final = (KafkaError, EffectsError)


class Effects(Protocol):
    """What a service does outside of Kafka; called from the loop's thread, between ``handle`` and ``committed``."""

    def resumed(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """Drop what is staged, and return the watermarks of those partitions that have one.

        Raises:
            EffectsError: they cannot be read now.

        """
        ...

    def refused(self) -> Iterable[tuple[Record, InvalidMessageError]]:
        """Return what turns out to be impossible, of all that was handled since the last outcome; asked before saving.

        Raises:
            EffectsError: nobody can tell now.

        """
        ...

    def save(self, ends: Mapping[Place, int]) -> None:
        """Save what is staged, and the offsets behind the last record of each partition: all of it or nothing.

        Raises:
            NotOursError: another process has saved meanwhile.
            EffectsError: it may be saved or not.

        """
        ...


class NoEffects:
    """Of a service that does nothing outside of Kafka."""

    def resumed(self, places: Iterable[Place]) -> Mapping[Place, int]:  # noqa: ARG002
        """Return nothing; see :class:`Effects`, as for the rest."""
        return {}

    def refused(self) -> Iterable[tuple[Record, InvalidMessageError]]:
        """Return nothing."""
        return ()

    def save(self, ends: Mapping[Place, int]) -> None:
        """Do nothing."""
