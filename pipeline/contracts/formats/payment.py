"""The ``payment`` dialect.

``{"DATE": "11/22/2026", "TIME": "14:05:09", "PAYMENT_TYPE": "VISA", "AMOUNT": 12, "TO": "mom"}``
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from pipeline.contracts.formats.plain import NOT_PLAIN, UNSET, decoder, is_plain
from pipeline.contracts.formats.reading import take, take_text
from pipeline.contracts.formats.shapes import PlainPayment
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Transaction
from pipeline.contracts.money import exact_amount

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.records import Record

WRITTEN_MOMENT = "%m/%d/%Y %H:%M:%S"
# The same with all its digits: ``strptime`` takes ten times as long, and half of all the time of a payment.
_USUAL_MOMENT = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")


class PaymentFormat:
    """Payments by card or coin: no payer is named, and the time is that of a wall clock in ``timezone``."""

    name: ClassVar[str] = "payment"

    def __init__(self, timezone: ZoneInfo, currency: str) -> None:
        self._timezone = timezone
        self._currency = currency

    def told(self) -> str:
        """Return the name, time zone and currency; see :class:`~pipeline.contracts.formats.reading.Format`."""
        return f"{self.name} {self._timezone.key} {self._currency}"

    def read(self, transaction_id: str, members: dict[str, object], timestamp_ms: int) -> Transaction:  # noqa: ARG002
        """Read one payment; see :class:`~pipeline.contracts.formats.reading.Format`."""
        moment = self._moment(take_text(members, "DATE"), take_text(members, "TIME"))
        return Transaction(
            id=transaction_id,
            source=None,
            target=take_text(members, "TO"),
            amount=exact_amount(take(members, "AMOUNT"), self._currency, "AMOUNT"),
            currency=self._currency,
            timestamp=moment,
            method=take_text(members, "PAYMENT_TYPE"),
            attributes=members,
        )

    def read_plain(self, record: Record, id_of: Callable[[Coordinates], str]) -> Transaction | None:
        """Read one payment; see :class:`~pipeline.contracts.formats.reading.Format`."""
        value, origin = record.value, record.origin
        if not value or origin is None:
            return None
        try:
            plain = _decode(value)
        except NOT_PLAIN:
            return None
        given, time = plain.transaction_id, plain.TIME
        if not is_plain(value, _MEMBERS + (given is not UNSET) + time.count(":")):
            return None
        moment = self._moment(plain.DATE, time)
        amount = exact_amount(plain.AMOUNT, self._currency, "AMOUNT")
        transaction_id = id_of(origin) if given is UNSET else given
        return Transaction(transaction_id, None, plain.TO, amount, self._currency, moment, plain.PAYMENT_TYPE, {})

    def _moment(self, date: str, time: str) -> datetime:
        try:
            if usual := _USUAL_MOMENT.fullmatch(f"{date} {time}"):
                month, day, year, hour, minute, second = map(int, usual.groups())
                local = datetime(year, month, day, hour, minute, second, tzinfo=self._timezone)
            else:
                local = datetime.strptime(f"{date} {time}", WRITTEN_MOMENT).replace(tzinfo=self._timezone)
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidMessageError(
                Reason.INVALID_VALUE, "DATE and TIME are not month/day/year and hours:minutes:seconds"
            ) from None


_MEMBERS: Final = 5  # that must be there
_decode: Final = decoder(PlainPayment)
