"""What a file of rules says, before its expressions are compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.kinds import US_PER

if TYPE_CHECKING:
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from detector.rules.expressions import Kind
    from detector.rules.files.document import Scalar
    from detector.rules.files.list_spec import ListSpec
    from pipeline.contracts.rule_bodies import Constant

SEVERITIES: Final = ("low", "medium", "high", "critical")
ACTIVE, SHADOW, OFF = "active", "shadow", "off"
MODES: Final = (ACTIVE, SHADOW, OFF)
MISS, HIT = "miss", "hit"
ON_ERROR: Final = (MISS, HIT)
ANY_CURRENCY: Final = "any"


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule. ``rollout`` is in per cent; ``message`` is None where none is given.

    ``when`` is empty where a ``sequence`` stands alone. ``window_us`` and ``within_us`` are in microseconds.
    ``quarantine``: when it hits far too often, it is to decide nothing any more.
    """

    id: str
    description: str
    when: Scalar
    currency: str | None
    severity: str
    score: int
    mode: str
    rollout: Decimal
    message: Scalar | None
    tags: tuple[str, ...]
    on_error: str
    key: tuple[Scalar, ...] = ()
    window_us: int | None = None
    filter: Scalar | None = None
    sequence: tuple[Scalar, ...] = ()
    within_us: int | None = None
    quarantine: bool = False


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A whole file."""

    threshold: int
    timezone: ZoneInfo
    members: dict[str, Kind]
    variables: dict[str, Constant]
    lists: tuple[ListSpec, ...]
    rules: tuple[RuleSpec, ...]
    lateness_us: int = US_PER["h"]
