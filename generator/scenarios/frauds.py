"""When which fraud happens, and the labels of it. Pure."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from generator.drawing import accounts
from generator.labels import Mark
from generator.scenarios.kinds import DECK, KNOWN_AFTER_DAYS, Kind
from generator.scenarios.population import DAY_MS

if TYPE_CHECKING:
    from random import Random

    from generator.scenarios.cases import Cases, Step
    from generator.scenarios.drafts import Draft


# Cases in so many transactions. By default not quite 2 % of transactions are fraud: far more than in life, so that each
# kind is seen within minutes. With the most a tenth is; with more, too few would be left who were no victims lately.
TRANSACTIONS: Final = 10_000
USUAL_CASES: Final = 18
MOST_CASES: Final = 100


class Frauds:
    """Deals ``cases`` in 10,000 transactions, on average.

    They come from a deck that is shuffled anew each time it is used up: every kind comes, and comes again.
    A kind that nobody fits for now, such as one that needs accounts with a history, waits for its next turn.
    """

    def __init__(self, chance: Random, ways: Cases, cases: int) -> None:
        self._chance = chance
        self._ways = ways
        self._mean_gap = TRANSACTIONS / cases if cases else inf
        self._deck: list[Kind] = []
        self._waiting: list[Kind] = []
        self._next = self._gap()

    def begin(self, made: int, now_ms: int) -> list[Draft]:
        """Return the transactions of the cases that begin now, with their labels; ``made`` are all so far."""
        if made < self._next:
            return []
        self._next += self._gap()
        if not self._deck:
            self._deck = self._chance.sample(DECK, len(DECK))
        drafts: list[Draft] = []
        due, self._waiting = [*self._waiting, self._deck.pop()], []
        for kind in due:
            steps = self._ways.of[kind](now_ms)
            if steps is None:
                self._waiting = sorted({*self._waiting, kind})
            else:
                drafts += self._labelled(kind, steps)
        return drafts

    def _gap(self) -> float:
        return (0.5 + self._chance.random()) * self._mean_gap

    def _labelled(self, kind: Kind, steps: list[Step]) -> list[Draft]:
        """Mark what is fraud. The bank learns of a case as a whole, counted from its last transaction."""
        case, (first, last) = accounts(self._chance, 1)[0].decode(), KNOWN_AFTER_DAYS[kind]
        after_ms = int((first + self._chance.random() * (last - first)) * DAY_MS)
        known_ms = max(step.draft.moment_ms for step in steps) + after_ms
        return [
            step.draft._replace(mark=Mark(kind, fraud=True, decisive=step.decisive, case=case, known_ms=known_ms))
            if step.fraud
            else step.draft
            for step in steps
        ]
