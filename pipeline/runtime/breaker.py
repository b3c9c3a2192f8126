"""Stops a service that finds most of what it reads invalid: then it is not the records that are wrong. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from pipeline.errors import PipelineError

WINDOW_RECORDS: Final = 10_000
TRIPPING_SHARE: Final = 0.5


class BreakerTrippedError(PipelineError):
    """Most of a long window of records is invalid; the batch at hand is not to be committed."""


class Breaker:
    """Weighs invalid records among the last ``window``, counted in whole batches: at least so many, where there are.

    It trips where they reach ``share`` of a full window: a short run of bad records, at the start or later, never
    does. After a :meth:`reset` as many records as a window holds pass whatever they are.
    """

    def __init__(self, window: int = WINDOW_RECORDS, share: float = TRIPPING_SHARE) -> None:
        self._window = window
        self._share = share
        self._batches: deque[tuple[int, int]] = deque()
        self._records = 0
        self._invalid = 0
        self._pardoned = 0

    def check(self, records: int, invalid: int) -> None:
        """Say whether a batch with so many records, so many of them invalid, may be committed.

        Raises:
            BreakerTrippedError: it would bring the window to its limit.

        """
        if not invalid or self._pardoned:
            return
        all_records, all_invalid = self._records + records, self._invalid + invalid
        for batch_records, batch_invalid in self._batches:
            if all_records - batch_records < self._window:
                break
            all_records -= batch_records
            all_invalid -= batch_invalid
        if all_invalid >= self._share * max(all_records, self._window):
            raise BreakerTrippedError(f"{all_invalid} of the last {all_records} records are invalid")

    def committed(self, records: int, invalid: int) -> None:
        """Take a batch into the window."""
        if self._pardoned:
            self._pardoned = max(0, self._pardoned - records)
            return
        self._batches.append((records, invalid))
        self._records += records
        self._invalid += invalid
        while self._records - self._batches[0][0] >= self._window:
            batch_records, batch_invalid = self._batches.popleft()
            self._records -= batch_records
            self._invalid -= batch_invalid

    def reset(self) -> None:
        """Forget everything, because a person has said to go on."""
        self._pardoned = self._window
        self._batches.clear()
        self._records = self._invalid = 0
