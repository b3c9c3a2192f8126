"""The ``transfer`` dialect: ``{"source": …, "target": …, "amount": 231.67, "currency": "EUR"}``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from pipeline.contracts.formats.plain import NOT_PLAIN, UNSET, decoder, is_plain
from pipeline.contracts.formats.reading import take, take_text
from pipeline.contracts.formats.shapes import PlainTransfer
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Transaction
from pipeline.contracts.moments import moment_of
from pipeline.contracts.money import exact_amount, is_currency

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.records import Record

METHOD: Final = "TRANSFER"


class TransferFormat:
    """Transfers between accounts; ``timestamp`` (ISO 8601 with an offset) may be left out."""

    name: ClassVar[str] = "transfer"

    def told(self) -> str:
        """Return the name; see :class:`~pipeline.contracts.formats.reading.Format`."""
        return self.name

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

    def read_plain(self, record: Record, id_of: Callable[[Coordinates], str]) -> Transaction | None:
        """Read one transfer; see :class:`~pipeline.contracts.formats.reading.Format`."""
        value, origin = record.value, record.origin
        if not value or origin is None:
            return None
        try:
            plain = _decode(value)
        except NOT_PLAIN:
            return None
        given, stated, currency = plain.transaction_id, plain.timestamp, plain.currency
        colons = _MEMBERS if given is UNSET else _MEMBERS + 1
        if stated is not UNSET:
            colons += 1 + stated.count(":")
        if not (is_plain(value, colons) and is_currency(currency)):
            return None
        amount = exact_amount(plain.amount, currency, "amount")
        if stated is UNSET:
            moment = moment_of(record.timestamp_ms)
        else:
            try:
                moment = _parsed(stated)
                if moment.tzinfo is not UTC:
                    moment = _in_utc(moment)
            except (ValueError, OverflowError):
                return None
        transaction_id = id_of(origin) if given is UNSET else given
        return Transaction(transaction_id, plain.source, plain.target, amount, currency, moment, METHOD, {})


_MEMBERS: Final = 4  # that must be there
_decode: Final = decoder(PlainTransfer)
_parsed: Final = datetime.fromisoformat


def _stated(value: object) -> datetime:
    if type(value) is not str:
        raise InvalidMessageError(Reason.WRONG_TYPE, "member 'timestamp' is not a string")
    try:
        return _in_utc(_parsed(value))
    except (ValueError, OverflowError):
        raise InvalidMessageError(Reason.INVALID_VALUE, "member 'timestamp' is not an ISO 8601 time") from None


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidMessageError(Reason.INVALID_VALUE, "member 'timestamp' has no UTC offset")
    return moment.astimezone(UTC)
