"""How dead letters look: a row each, one in full, or JSON lines. Every field of them is attacker-controlled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts.display import printable
from pipeline.contracts.moments import moment_of

if TYPE_CHECKING:
    from pipeline.operations.deadletters.letters import Letter

HEAD: Final = f"{'letter':<22} {'origin':<12} {'reason':<20} {'tries':>5}  {'state':<24} detail"
SHOWN_VALUE: Final = 4_000


def state_of(letter: Letter) -> str:
    """Return what became of a letter, or why nothing can."""
    if letter.redriven is not None:
        return f"sent again as {letter.redriven}"
    return "pending, was cut" if letter.truncated else "pending"


def row(letter: Letter) -> str:
    """Return a letter as one line of a table."""
    place = f"{letter.twin.key}:{letter.place}"
    origin = str(letter.origin or "unknown")
    return (
        f"{place:<22} {origin:<12} {printable(letter.reason):<20} {letter.attempt:>5}  {state_of(letter):<24} "
        f"{printable(letter.detail)}"
    )


def in_full(letter: Letter) -> str:
    """Return all of a letter, a line a field."""
    value = "none (tombstone)" if letter.value is None else printable(_text(letter.value), SHOWN_VALUE)
    lines = {
        "letter": f"{letter.twin.key}:{letter.place}",
        "origin": str(letter.origin or "unknown"),
        "source": str(letter.source or "unknown"),
        "reason": printable(letter.reason),
        "detail": printable(letter.detail),
        "service": printable(letter.service),
        "tries": str(letter.attempt),
        "state": state_of(letter),
        "time": moment_of(letter.timestamp_ms).isoformat(),
        "key": "none" if letter.key is None else printable(_text(letter.key)),
        "headers": printable(", ".join(f"{name}={_text(content or b'')}" for name, content in letter.foreign))
        or "none",
        "value": value,
    }
    return "\n".join(f"{name:<8} {text}" for name, text in lines.items())


def as_json(letter: Letter) -> str:
    """Return a letter as one line of JSON; bytes that are no UTF-8 are replaced in it."""
    return msgspec.json.encode(
        {
            "topic": letter.twin.key,
            "letter": str(letter.place),
            "origin": letter.origin and str(letter.origin),
            "source": letter.source and str(letter.source),
            "reason": letter.reason,
            "detail": letter.detail,
            "service": letter.service,
            "tries": letter.attempt,
            "cut": letter.truncated,
            "sent_again_as": letter.redriven and str(letter.redriven),
            "time": moment_of(letter.timestamp_ms),
            "key": None if letter.key is None else _text(letter.key),
            "value": None if letter.value is None else _text(letter.value),
        }
    ).decode()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
