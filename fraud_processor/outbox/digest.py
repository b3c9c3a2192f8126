"""A message about a case, for people and for programs. Pure.

Fields of transactions are whatever their sender likes: here they become one line of printable characters each, that
nothing takes for a mention, and each outlet escapes the whole as its medium asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fraud_processor.cases.reading import Alert, Case

SHOWN: Final = 5  # alerts in one message; of the rest it says how many
MAX_FIELD_CHARACTERS: Final = 64
MAX_REASON_CHARACTERS: Final = 160
_NO_MENTION: Final = {ord("@"): "@\u200b", ord("<"): "\u2039", ord(">"): "\u203a", ord("`"): "'"}


class Told(msgspec.Struct, frozen=True):
    """An alert in a message. ``time`` is in ISO 8601, ``reasons`` are sentences."""

    transaction_id: str
    source: str | None
    target: str
    amount: str
    currency: str
    time: str
    score: int
    reasons: list[str]


class Message(msgspec.Struct, frozen=True, tag_field="type", tag="case.alerts"):
    """What an outlet is told: ``id`` is the same however often it is sent, so that receivers tell repeats.

    ``new`` of its alerts were not told before; the latest of them are in ``shown``, ``more`` are not.
    """

    id: str
    case: int
    subject: dict[str, str]
    state: str
    severity: str
    score: int
    alerts: int
    new: int
    more: int
    shown: list[Told]

    @property
    def title(self) -> str:
        """Return it in one line."""
        whom = ", ".join(f"{_told(name)} {_told(value)}" for name, value in self.subject.items())
        return f"[{self.severity.upper()}] case {self.case}: {whom}, {_number(self.alerts, 'alert')}"

    @property
    def text(self) -> str:
        """Return it as plain text."""
        lines = [f"{self.title}, {self.new} new. Score {self.score}, {self.state}."]
        for one in self.shown:
            payer = "" if one.source is None else f"{_told(one.source)} -> "
            lines.append("")
            lines.append(f"{one.time}  {one.amount} {one.currency}  {payer}{_told(one.target)}")
            lines.append(f"    transaction {_told(one.transaction_id)}")
            lines += [f"    {_told(reason, MAX_REASON_CHARACTERS)}" for reason in one.reasons]
        if self.more:
            lines += ["", f"and {self.more} more"]
        lines += ["", f"python -m fraud_processor cases show {self.case}", f"message {self.id}"]
        return "\n".join(lines)


def message_of(case: Case, alerts: Sequence[Alert], number: int, told: int) -> Message:
    """Return the ``number``-th message about a case, of which ``told`` alerts were told before.

    ``alerts`` are its latest ones, the latest first.
    """
    new = case.alerts - told
    shown = [_shown(alert) for alert in alerts[: min(SHOWN, new)]]
    return Message(
        id=f"case-{case.id}-{number}",
        case=case.id,
        subject=case.subject,
        state=case.state,
        severity=case.severity,
        score=case.score,
        alerts=case.alerts,
        new=new,
        more=new - len(shown),
        shown=shown,
    )


def _shown(alert: Alert) -> Told:
    return Told(
        transaction_id=alert.transaction_id,
        source=alert.source,
        target=alert.target,
        amount=alert.amount,
        currency=alert.currency,
        time=alert.time.isoformat().replace("+00:00", "Z"),
        score=alert.score,
        reasons=[f"{rule}: {sentence}" for rule, sentence in alert.reasons],
    )


def _told(field: str, limit: int = MAX_FIELD_CHARACTERS) -> str:
    return printable(field, limit).translate(_NO_MENTION)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


encoded: Final = msgspec.json.Encoder().encode
