"""What may become of a case. Pure."""

from __future__ import annotations

from typing import Final

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CONFIRMED: Final = "confirmed"
FALSE_ALARM: Final = "false-alarm"
CLOSED: Final = "closed"

# Somebody has to look at these; the others are done with.
PENDING: Final = (OPEN, ACKNOWLEDGED)
RESOLVED: Final = (CONFIRMED, FALSE_ALARM, CLOSED)
STATES: Final = (*PENDING, *RESOLVED)


def refusal(state: str, wanted: str) -> str | None:
    """Return why a case cannot go from one state to another; None where it can."""
    if state in RESOLVED:
        return f"it was resolved as {state} before"
    if wanted == ACKNOWLEDGED and state == ACKNOWLEDGED:
        return "it is acknowledged already"
    return None
