"""The ``transfer`` dialect: ``{"source": …, "target": …, "amount": 231.67, "currency": "EUR"}``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from pipeline.contracts.formats.reading import take, take_text
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Transaction
from pipeline.contracts.moments import moment_of
from pipeline.contracts.money import exact_amount, is_currency

METHOD: Final = "TRANSFER"


class TransferFormat:
    """Transfers between accounts; ``timestamp`` (ISO 8601 with an offset) may be left out."""

    name = "transfer"

    def read(self, transaction_id: str, members: dict[str, object], timestamp_ms: int) -> Transaction:
        """Read one transfer; see :class:`~pipeline.contracts.formats.reading.Format`."""
        source = take_text(members, "source")
        target = take_text(members, "target")
        currency = take_text(members, "currency")
        if not is_currency(currency):
            raise InvalidMessageError(Reason.INVALID_VALUE, "member 'currency' is not three capital letters")
        amount = exact_amount(take(members, "amount"), currency, "amount")
        stated = members.pop("timestamp", None)
        return Transaction(
            id=transaction_id,
            source=source,
            target=target,
            amount=amount,
            currency=currency,
            timestamp=moment_of(timestamp_ms) if stated is None else _stated(stated),
            method=METHOD,
            attributes=members,
        )


def _stated(value: object) -> datetime:
    if type(value) is not str:
        raise InvalidMessageError(Reason.WRONG_TYPE, "member 'timestamp' is not a string")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise InvalidMessageError(Reason.INVALID_VALUE, "member 'timestamp' has no UTC offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidMessageError(Reason.INVALID_VALUE, "member 'timestamp' is not an ISO 8601 time") from None
