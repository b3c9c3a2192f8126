"""What a list is: values of a field or member that are always refused, or exempt from rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.files.document import Scalar

DENY, ALLOW = "deny", "allow"
LIST_TYPES: Final = (DENY, ALLOW)
ALL: Final = "*"
TAGGED: Final = "tag:"


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list.

    ``entries`` are values with the last moment at which they hold, in microseconds since 1970 UTC, or None. ``exempts``
    are what an allow list exempts from: ids of rules, ``tag:`` and a tag, or ``*``.
    """

    id: str
    description: str
    type: str
    on: Scalar
    entries: Mapping[str, int | None]
    exempts: tuple[Scalar, ...]
    severity: str
    score: int
