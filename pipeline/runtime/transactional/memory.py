"""What an intake knows of memory: where reading is to begin, and that something has to be remembered before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka.structs import TopicPartition


class Memory(Protocol):
    """What an intake tells of where it reads, and asks before it does."""

    @property
    def under_way(self) -> bool:
        """Tell whether there is anything left to remember before reading may begin."""
        ...

    @property
    def outdated(self) -> bool:
        """Tell whether what is remembered is not what has to be any more: reading has to begin anew then."""
        ...

    def resumed(self, starts: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int | None]) -> None:
        """Note that reading is to begin at ``starts``; ``committed`` is what the group has committed.

        Raises:
            KafkaError: the cluster could not tell what it must.

        """
        ...

    def settled(self, ends: Mapping[TopicPartition, Any]) -> None:
        """Note offsets that this process has committed."""
        ...

    def go_on(self) -> None:
        """Remember for a moment.

        Raises:
            KafkaError: what is there cannot be read.

        """
        ...

    def rest(self) -> None:
        """Take a moment while nothing is under way and nothing is staged, to keep what is remembered."""
        ...

    def close(self) -> None:
        """Leave off."""
        ...


class NoMemory:
    """The memory of an intake whose handler has none."""

    under_way = outdated = False

    def resumed(self, starts: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int | None]) -> None:
        """Do nothing; see :class:`Memory`, as for the rest."""

    def settled(self, ends: Mapping[TopicPartition, Any]) -> None:
        """Do nothing."""

    def go_on(self) -> None:
        """Do nothing."""

    def rest(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
