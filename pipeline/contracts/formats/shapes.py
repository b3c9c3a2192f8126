"""What plain messages hold, by dialect: msgspec checks it while it decodes them (see ``plain``)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from pipeline.contracts.formats.reading import MAX_TEXT_CHARACTERS

# A text as ``take_text`` takes it.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class PlainTransfer(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A transfer."""

    source: Text
    target: Text
    amount: object
    currency: Text
    transaction_id: Text | msgspec.UnsetType = msgspec.UNSET
    timestamp: Text | msgspec.UnsetType = msgspec.UNSET


class PlainPayment(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A payment."""

    DATE: Text
    TIME: Text
    PAYMENT_TYPE: Text
    AMOUNT: object
    TO: Text
    transaction_id: Text | msgspec.UnsetType = msgspec.UNSET
