"""Which alerts are of one case. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fraud_processor.cases.alert import Alert


class Case(NamedTuple):
    """What alerts of one subject come to: of ``alerts`` so many, with the highest ``severity`` and ``score`` of them.

    ``first_us`` and ``last_us`` are the earliest and the latest time of theirs.
    """

    alerts: int
    severity: int
    score: int
    first_us: int
    last_us: int

    def joined_by(self, alert: Alert) -> Case:
        """Return the case with one more alert."""
        return Case(
            self.alerts + 1,
            max(self.severity, alert.severity),
            max(self.score, alert.score),
            min(self.first_us, alert.time_us),
            max(self.last_us, alert.time_us),
        )


@dataclass(slots=True)
class Gathered:
    """A case, and those of its alerts that are new."""

    case: Case
    new: list[Alert] = field(default_factory=list)


def gather(case: Case | None, alerts: Iterable[Alert], window_us: int) -> list[Gathered]:
    """Return the cases of one subject's alerts, which come in the order of the log.

    ``case`` is the one that gathers so far, and comes first; it may stay without new alerts. An alert joins unless it
    is more than ``window_us`` later than all of the case: then it opens another, which gathers from then on. One that
    comes late joins whatever gathers: it concerns whoever looks at the subject now.
    """
    found = [] if case is None else [Gathered(case)]
    for alert in alerts:
        if not found or alert.time_us > found[-1].case.last_us + window_us:
            found.append(Gathered(Case(1, alert.severity, alert.score, alert.time_us, alert.time_us), [alert]))
        else:
            found[-1].case = found[-1].case.joined_by(alert)
            found[-1].new.append(alert)
    return found
