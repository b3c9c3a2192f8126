"""The ``payment`` dialect.

``{"DATE": "11/22/2026", "TIME": "14:05:09", "PAYMENT_TYPE": "VISA", "AMOUNT": 12, "TO": "mom"}``
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.contracts.formats.reading import take, take_text
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Transaction
from pipeline.contracts.money import exact_amount

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WRITTEN_MOMENT = "%m/%d/%Y %H:%M:%S"


class PaymentFormat:
    """Payments by card or coin: no payer is named, and the time is that of a wall clock in ``timezone``."""

    name = "payment"

    def __init__(self, timezone: ZoneInfo, currency: str) -> None:
        self._timezone = timezone
        self._currency = currency

    def read(self, transaction_id: str, members: dict[str, object], timestamp_ms: int) -> Transaction:  # noqa: ARG002
        """Read one payment; see :class:`~pipeline.contracts.formats.reading.Format`."""
        written = f"{take_text(members, 'DATE')} {take_text(members, 'TIME')}"
        try:
            moment = datetime.strptime(written, WRITTEN_MOMENT).replace(tzinfo=self._timezone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidMessageError(
                Reason.INVALID_VALUE, "DATE and TIME are not month/day/year and hours:minutes:seconds"
            ) from None
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
