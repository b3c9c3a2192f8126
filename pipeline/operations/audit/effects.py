"""What counts as the effect of a record of a branch: the one question that whoever keeps effects has to answer. Pure.

A line on a terminal can't be asked for. Whatever can, such as rows of a database, implements :class:`Effects`, and the
audit checks it without knowing what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.operations.audit.places import Places, no_places, without

if TYPE_CHECKING:
    from pipeline.contracts.topics import Topic


class Done(NamedTuple):
    """Places in a branch whose effect took place, and those of them where it did so more than once."""

    once_or_more: Places
    twice: Places


class Effects(Protocol):
    """Tells which records of a branch have had their effect. ``method`` says how, for people: ``offset``.

    The unit is a record of the branch by its place in it; one that was sent again is a record of its own. A place is
    told where the effect was there when the audit took its stable point or any time later. One that is told and was
    never a record of the branch is a violation, so is one with a dead letter beside its effect.
    """

    method: str

    def done(self, branch: Topic, records: Places, letters: Places) -> Done:
        """Return what was done.

        ``records`` are the records to judge, all below the committed offset of the branch's processor; ``letters``
        those places of the branch that have a dead letter.
        """


class ByOffset:
    """Believes the processor's committed offset: what is below it and has no dead letter was done, once."""

    method = "offset"

    def done(self, branch: Topic, records: Places, letters: Places) -> Done:  # noqa: ARG002 (every branch alike)
        """Return all records without a letter."""
        return Done(without(records, letters), no_places())
