"""Transactions before they are written down, and their bytes as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.labels import label_of
from generator.transactions import Generated
from pipeline.contracts.labels import encoded
from pipeline.contracts.moments import moment_of

if TYPE_CHECKING:
    from generator.labels import Mark

_MINUTE_MS: Final = 60_000


class Draft(NamedTuple):
    """A transaction that is decided on. Drafts are sent in the order of ``sent_ms``, mostly their own ``moment_ms``.

    ``amount`` is in minor units; ``tail`` is the end of the message, from the comma behind its currency on.
    """

    sent_ms: int
    moment_ms: int
    source: bytes
    target: bytes
    amount: int
    tail: bytes
    mark: Mark | None = None


class Labelled(NamedTuple):
    """A transaction ready to be sent, and its label where it has one."""

    transaction: Generated
    label: Generated | None


class Writer:
    """Writes drafts down in one currency, with all its ``decimals``."""

    def __init__(self, currency: str, decimals: int) -> None:
        self._steps = 10**decimals
        amount = b"%%d.%%0%dd" % decimals if decimals else b"%d"
        self._form = (
            b'{"transaction_id":"%b","timestamp":"%b","source":"%b","target":"%b","amount":'
            + amount
            + b',"currency":"'
            + currency.encode()
            + b'"%b'
        )
        self._minute = -1
        self._prefix = b""

    def write(self, draft: Draft, transaction_id: bytes) -> Labelled:
        """Return the message of a draft, and the one of its label."""
        _, moment_ms, source, target, amount, tail, mark = draft
        figures = divmod(amount, self._steps) if self._steps > 1 else (amount,)
        value = self._form % (transaction_id, self._time(moment_ms), source, target, *figures, tail)
        if mark is None:
            return Labelled(Generated(source, value), None)
        label = label_of(transaction_id.decode(), mark)
        return Labelled(Generated(source, value), Generated(transaction_id, encoded(label)))

    def _time(self, moment_ms: int) -> bytes:
        minute, rest = divmod(moment_ms, _MINUTE_MS)
        if minute != self._minute:
            self._minute = minute
            self._prefix = moment_of(minute * _MINUTE_MS).strftime("%Y-%m-%dT%H:%M:").encode()
        seconds, milliseconds = divmod(rest, 1000)
        return b"%b%02d.%03dZ" % (self._prefix, seconds, milliseconds)
