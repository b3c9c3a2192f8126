"""The seam between reading a log and memory that is kept beside it, so that a start need not read all of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.handler import Place


class Snapshots(Protocol):
    """Snapshots of a handler's memory. Called by the thread that handles records; none of it raises.

    They decide nothing but how far back a log is read: whatever they lack or cannot read comes from there.
    """

    def open(self, ends: Mapping[Place, int]) -> None:
        """Begin to bring back the memory of partitions, up to below ``ends``; so far there is none of them."""
        ...

    def read(self) -> Mapping[Place, int] | None:
        """Go on for a moment; None while there is more to do.

        Then return from which offset the log has to be read for the rest, of those partitions that came back.
        """
        ...

    def leave(self) -> None:
        """Leave off bringing back."""
        ...

    def rest(self, stands: Mapping[Place, int]) -> None:
        """Take a moment for what is to be kept, while nothing is staged; memory is that below these offsets."""
        ...


class NoSnapshots:
    """Where all memory comes from the log."""

    def open(self, ends: Mapping[Place, int]) -> None:
        """Do nothing; see :class:`Snapshots`, as for the rest."""

    def read(self) -> Mapping[Place, int] | None:
        """Find nothing."""
        return {}

    def leave(self) -> None:
        """Do nothing."""

    def rest(self, stands: Mapping[Place, int]) -> None:
        """Do nothing."""
