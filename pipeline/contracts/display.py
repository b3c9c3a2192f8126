"""Text from a transaction, made safe for a terminal or a log line: every field is attacker-controlled."""

from __future__ import annotations

MAX_CHARACTERS = 200


def printable(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return ``text`` on one line, with control, formatting and unassigned characters escaped, cut at ``limit``."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
