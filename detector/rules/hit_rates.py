"""How often rules hit, and when that is far more often than they used to. Pure: the same counts, the same answers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RECENT_BLOCKS: Final = 4
LEAST_HITS: Final = 20
KNOWN_AFTER: Final = 10_000  # transactions by which what is usual of a rule is known
TIMES: Final = 5  # as often as usual
LEAST_PER_CENT: Final = 1
NEW_PER_CENT: Final = 25  # of a rule of which nothing is known yet
REMEMBERED: Final = 200_000  # transactions; then what is usual counts half, and is learned on


@dataclass(frozen=True, slots=True)
class Explosion:
    """A rule that hits far too often: of recent transactions, and of those before; ``usual_of`` is 0 if unknown."""

    rule: str
    hits: int
    of: int
    usual_hits: int
    usual_of: int

    def told(self) -> str:
        """Return it as a sentence."""
        now = f"{self.rule} has hit {self.hits:,} of the last {self.of:,} transactions ({self.hits / self.of:.1%})"
        if not self.usual_of:
            return f"{now}, and it is new"
        return f"{now}, and {self.usual_hits / self.usual_of:.2%} of {self.usual_of:,} before"


class HitRates:
    """Shares of transactions that rules hit: recently, and usually.

    Transactions come in blocks. The newest four blocks are *recent*; what leaves them is *usual*. A rule explodes when
    it has at least 20 recent hits, and they are 1 % or more of the recent transactions and 5 times as often as usual.
    As long as it is new (less than 10,000 transactions are usual), 25 % is too much.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, dict[str, int]]] = deque()
        self._usual: dict[str, list[int]] = {}  # hits, and of how many

    def follow(self, rules: Collection[str]) -> None:
        """Learn of these rules from now on; what is known of those among them is kept, all others are forgotten."""
        self._usual = {rule: self._usual.get(rule, [0, 0]) for rule in rules}
        for _, hits in self._recent:
            for rule in hits.keys() - self._usual.keys():
                del hits[rule]

    def forget(self, rules: Collection[str]) -> None:
        """Begin anew with rules that are other ones under the same name."""
        for rule in rules:
            self._usual.pop(rule, None)
            for _, hits in self._recent:
                hits.pop(rule, None)

    def add(self, judged: int, hits: Mapping[str, int]) -> list[Explosion]:
        """Add a block of transactions with the hits of each rule; return what explodes, in the order of the rules."""
        self._recent.append((judged, {rule: count for rule, count in hits.items() if count and rule in self._usual}))
        if len(self._recent) > RECENT_BLOCKS:
            self._learn(*self._recent.popleft())
        of = sum(count for count, _ in self._recent)
        sums: dict[str, int] = {}
        for _, block in self._recent:
            for rule, count in block.items():
                sums[rule] = sums.get(rule, 0) + count
        return [
            Explosion(rule, sums[rule], of, *(usual if usual[1] >= KNOWN_AFTER else (0, 0)))
            for rule, usual in self._usual.items()
            if rule in sums and _explodes(sums[rule], of, *usual)
        ]

    def _learn(self, judged: int, hits: Mapping[str, int]) -> None:
        for rule, usual in self._usual.items():
            usual[0] += hits.get(rule, 0)
            usual[1] += judged
            if usual[1] > REMEMBERED:
                usual[:] = usual[0] // 2, usual[1] // 2


def _explodes(hits: int, of: int, usual_hits: int, usual_of: int) -> bool:
    if hits < LEAST_HITS:
        return False
    if usual_of < KNOWN_AFTER:
        return hits * 100 >= of * NEW_PER_CENT
    return hits * 100 >= of * LEAST_PER_CENT and hits * usual_of >= TIMES * usual_hits * of
