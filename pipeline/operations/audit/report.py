"""What an audit found, for people and for programs. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Outcome(StrEnum):
    """What may become of a transaction: exactly one of these."""

    LEGIT = "legit"
    FRAUD = "fraud"
    DEAD_LETTER = "dead-letter"


class Violation(StrEnum):
    """What must not be. Each has a count in the report and its first coordinates among the examples."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    BOTH_BRANCHES = "both-branches"
    UNREAD = "unread"
    UNKNOWN = "unknown"
    UNMARKED = "unmarked"
    EFFECT_MISSING = "effect-missing"
    EFFECT_TWICE = "effect-twice"

    @property
    def attribute(self) -> str:
        """Return the name of its count in a :class:`Report`."""
        return self.value.replace("-", "_")


# The line always tells of these, of the others where there are any.
ALWAYS_TOLD: Final = (Violation.LOST, Violation.DUPLICATED)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged of one partition of the input: offsets from ``first`` to below ``end``, ``input`` records."""

    first: int
    end: int
    input: int


class ProcessorEffects(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """Records of a branch: ``done`` and ``dead_letters`` are below its processor's committed offset, ``pending`` not.

    Only records whose origin is judged; the markers that end transactions are no records. ``method`` says how it is
    known what was done.
    """

    branch: str
    done: int
    dead_letters: int
    pending: int
    method: str


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What an audit found, below the committed offsets. ``outcomes`` adds up to ``input`` where all is well.

    ``lost`` are input offsets without an outcome, ``duplicated`` those with the same outcome twice, ``both_branches``
    those with outcomes that exclude each other, ``unread`` offsets that retention removed before the detector got to
    them. ``unknown`` are outcomes and dead letters of branches that name no record or cannot be read, ``unmarked``
    records that were sent again to a branch without a marker among its dead letters, or markers without a record.
    ``effect_missing`` are records of branches that a processor went past and left neither an effect nor a dead letter,
    and offsets that retention removed before it; ``effect_twice`` those with more than one of these. Offsets that were
    removed may have been markers: nobody can tell any more.

    ``under_way`` is input that stands between two stages: it has no outcome yet, and is not in ``input``.
    ``unseen`` is input without an outcome that is not called lost, because retention has cut an output in which it may
    have been, and is not in ``input``; ``unjudged`` are outcomes of partitions in which the detector has committed
    nothing. ``examples`` holds the first coordinates by violation, ``notes`` a sentence for each thing that the audit
    could not see. ``judged`` is by partition of ``topic``, the input; ``effects`` by processor. ``since`` and ``until``
    are None where not limited.
    """

    topic: str
    since: datetime | None
    until: datetime | None
    judged: dict[int, Judged]
    input: int
    outcomes: dict[str, int]
    lost: int
    duplicated: int
    both_branches: int
    unread: int
    unknown: int
    unmarked: int
    effect_missing: int
    effect_twice: int
    effects: dict[str, ProcessorEffects]
    unseen: int
    under_way: int = 0
    unjudged: int
    examples: dict[str, list[str]]
    notes: list[str]

    @property
    def violations(self) -> dict[Violation, int]:
        """Return the count of each."""
        return {violation: getattr(self, violation.attribute) for violation in Violation}

    @property
    def clean(self) -> bool:
        """Tell whether there is no violation: every offset has one outcome, every record of a branch one effect."""
        return not any(self.violations.values())

    def line(self) -> str:
        """Return it as one line: always the outcomes, what is lost and what is duplicated, the rest where it is."""
        counted = " ".join(f"{outcome.value}={self.outcomes[outcome]}" for outcome in Outcome)
        told = " ".join(
            f"{violation.value}={count}"
            for violation, count in self.violations.items()
            if count or violation in ALWAYS_TOLD
        )
        unseen = f" (not judged: {self.unseen}, retention has cut the outputs)" if self.unseen else ""
        under_way = f" (under way: {self.under_way})" if self.under_way else ""
        return f"audit: in={self.input} {counted} {told}{under_way}{unseen}"
