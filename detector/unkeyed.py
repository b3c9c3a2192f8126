"""Records that stand in another partition than their account's: rules that look at its past may miss some of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from pipeline.contracts.caveats import NONE, UNKEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.caveats import Caveats
    from pipeline.contracts.messages import Transaction
    from pipeline.contracts.records import Record

logger = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0


class KeyCheck:
    """Looks whether the key of a record of the input is its account; counts those of which it is not, once each."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self._staged = 0
        self._told = 0
        self._now = now
        self._tell_at = 0.0

    def caveats(self, record: Record, transaction: Transaction) -> Caveats:
        """Return what there is to say of the key."""
        if record.key == transaction.account.encode(errors="surrogatepass"):
            return NONE
        self._staged += 1
        return UNKEYED

    def committed(self) -> None:
        """Take for good what was counted, and say so once a minute at most."""
        if self._staged:
            self.total += self._staged
            self._staged = 0
        if self.total == self._told or self._now() < self._tell_at:
            return
        self._tell_at = self._now() + TELL_SECONDS
        logger.warning(
            "%d records had another key than their account (%d since the start): others of the account may be in other "
            "partitions, where rules that look at its past do not see them. Let producers set the key, or start every "
            "detector with INPUT_KEY=none",
            self.total - self._told,
            self.total,
        )
        self._told = self.total

    def aborted(self) -> None:
        """Count nothing of what was undone."""
        self._staged = 0
