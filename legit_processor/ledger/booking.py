"""What a settled payment does to accounts: pure, in minor units of its currency."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts.formats.transfer import METHOD as TRANSFER
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.money import decimals_of
from pipeline.runtime.database.names import stored

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction

CUSTOMER: Final = "customer"
WALLETS: Final = "wallets"  # what payers pay from whom the message does not name, by method
CLEARING: Final = "clearing"  # between payer and payee, by method
# What the databases' own sums hold, with a billion entries of it to spare.
LARGEST_MINOR: Final = 10**18


class Entry(NamedTuple):
    """``minor`` is added to an account, and is below zero for a debit. Names are as they are stored."""

    kind: str
    account: str
    minor: int


def entries_of(transaction: Transaction) -> list[Entry]:
    """Return the entries of a payment that can be settled; they add up to zero.

    A transfer goes from its source to its target. Any other goes from the payers' wallet to the clearing account of its
    method, and on to the payee.

    Raises:
        InvalidMessageError: the amount is beyond what a ledger adds up.

    """
    minor = minor_of(transaction)
    if minor > LARGEST_MINOR:
        raise InvalidMessageError(Reason.AMOUNT_TOO_LARGE, f"{minor} minor units are more than the ledger adds up")
    payee = Entry(CUSTOMER, stored(transaction.target), minor)
    if transaction.method == TRANSFER and transaction.source is not None:
        return [Entry(CUSTOMER, stored(transaction.source), -minor), payee]
    method = stored(transaction.method)
    payer = (WALLETS, method) if transaction.source is None else (CUSTOMER, stored(transaction.source))
    clearing = (CLEARING, method)
    return [Entry(*payer, -minor), Entry(*clearing, minor), Entry(*clearing, -minor), payee]


def minor_of(transaction: Transaction) -> int:
    """Return the amount in minor units: exactly, since it has the decimals of its currency."""
    return int(transaction.amount.scaleb(decimals_of(transaction.currency)))


def content_of(transaction: Transaction, minor: int) -> bytes:
    """Return a hash of what makes a payment the same as another under its id: who, to whom, how much, and how.

    Its time is not among it: where the message has none, it is that of the record, and a second one has another.
    ``minor`` is its amount, of which the entries have it already.
    """
    parts = (transaction.source, transaction.target, transaction.currency, transaction.method)
    told = [b"none:-" if part is None else _told(part.encode(errors="surrogatepass")) for part in parts]
    return blake2b(b"%b%d" % (b"".join(told), minor), digest_size=16).digest()


def _told(part: bytes) -> bytes:
    return b"%d:%b" % (len(part), part)
