"""A, then B, then C, by the same key: the earlier steps of a sequence among the transactions before the one at hand."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.rules.subject import Subject
    from detector.rules.windows.view import View


class Sequence:
    """The steps before the last, ``steps`` in number, within a width; ``view`` has those that hold any of them."""

    def __init__(self, view: View, steps: int, width_us: int) -> None:
        self._view = view
        self._steps = steps
        self._width_us = width_us

    def times(self, subject: Subject) -> list[int] | None:
        """Return the times of the steps, of each the latest there is before the next; None where one is not there.

        Raises:
            EvaluationError: the key is missing.
            LookupError: another transaction was taken since.

        """
        view = self._view
        series = view.series if view.subject is subject else view.look(subject)
        if series is None:
            return None
        times, held = series.times, series.cells
        place = view.hi - 1 - view.own
        least = bisect_right(times, view.at.base_us - self._width_us, series.start, view.hi)
        found: list[int] = []
        step = self._steps - 1
        while place >= least:
            if held[place] >> step & 1:
                found.append(times[place])
                if step == 0:
                    return found[::-1]
                step -= 1
            place -= 1
        return None
