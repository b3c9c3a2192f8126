"""The JSON dialects a transaction may be sent in, each read into the canonical form by a module of its own."""

from pipeline.contracts.formats.payment import PaymentFormat
from pipeline.contracts.formats.reading import Format
from pipeline.contracts.formats.transfer import TransferFormat

__all__ = ["FORMAT_NAMES", "Format", "PaymentFormat", "TransferFormat"]

FORMAT_NAMES = (TransferFormat.name, PaymentFormat.name)
