"""The versions of rules that later stages still meet: a record is judged by the one that its first stage judged by.

Between a push and the last record that was judged before it there are two of them, seldom more. What is held is a
cache: a version that is not at hand is fetched, and where it looks at another past than those that are, that past is
read again from the log. So it decides nothing when one is dropped.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from detector.bound import NO_BOUND
from detector.report import RuleReport
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from detector.bound import Bound
    from detector.rules.ruleset import RuleSet

HELD_SECONDS: Final = 600.0
HELD_VERSIONS: Final = 4


class MemoryWantedError(KafkaError):  # type: ignore[misc] # the client has no types
    """Rules that were just fetched look at a past that is not remembered: the transaction is made again behind it."""


class _Held:
    """A version, whether it is remembered for it, and when it was used last, in seconds of ``monotonic``."""

    def __init__(self, rules: RuleSet, used: float) -> None:
        self.rules = rules
        self.report = RuleReport(rules)
        self.used = used


class HeldRules:
    """Versions by name, of which one is current. Those that look at the same past share their memory."""

    def __init__(
        self,
        rules: RuleSet,
        find: Callable[[str], RuleSet | None],
        now: Callable[[], float] = time.monotonic,
        bound: Bound = NO_BOUND,
    ) -> None:
        """Begin with one; ``find`` returns another by its name, or None where there is no such version any more.

        Each memory may take as much as ``bound`` says.
        """
        self._bound = bound
        bound.apply(rules)
        self.current = rules
        self.tally = rules.counts.tally
        self.memory = 0
        self._find = find
        self._now = now
        self._held = {rules.version: _Held(rules, now())}
        self._gone: set[str] = set()
        self._arrange()

    def by(self, version: str) -> RuleSet:
        """Return the rules of a version; the current ones where it is gone.

        Raises:
            MemoryWantedError: what they look back to is not remembered yet; after that it is, see ``memory``.
            KafkaError: the version is not known here yet.

        """
        if version == self.current.version or version in self._gone:
            return self.current
        held = self._held.get(version)
        if held is not None:
            held.used = self._now()
            return held.rules
        found = self._find(version)
        if found is None:
            self._gone.add(version)
            return self.current
        if not self._hold(found):
            raise MemoryWantedError(
                f"an earlier stage has judged by rules {version}: what they look back to is read again"
            )
        return found

    def use(self, rules: RuleSet) -> None:
        """Make other rules the current ones; between transactions alone."""
        before = self._held[self.current.version]
        before.report.tell()
        before.used = self._now()
        self._gone.clear()
        self._hold(rules)
        self.current = rules
        surplus = sorted(self._held.values(), key=lambda held: held.used, reverse=True)[HELD_VERSIONS:]
        self._drop([held.rules.version for held in surplus])

    def others(self, rules: RuleSet) -> Sequence[RuleSet]:
        """Return one version for each memory that is not that of these."""
        return self._others.get(rules.version, ())

    def memories(self) -> Sequence[RuleSet]:
        """Return one version for each memory."""
        return self._memories

    def reach_ms(self) -> int:
        """Return how far back any of them looks, with what may come late."""
        return max(held.rules.reach_ms for held in self._held.values())

    def keep(self, partitions: Collection[int], stage: int) -> None:
        """Drop what a stage remembers of other partitions than these."""
        for rules in self._memories:
            rules.keep(partitions, stage)

    def committed(self) -> None:
        """Take for good what was counted and remembered, and drop what nobody has asked for in a while."""
        for held in self._held.values():
            held.rules.committed()
            held.report.tell_if_due()
        if len(self._held) > 1:
            self._held[self.current.version].used = oldest = self._now()
            self._drop([name for name, held in self._held.items() if held.used < oldest - HELD_SECONDS])

    def aborted(self) -> None:
        """Undo what was counted and remembered since the last outcome."""
        for held in self._held.values():
            held.rules.aborted()

    def _hold(self, rules: RuleSet) -> bool:
        """Hold a version, and tell whether what it looks back to is remembered."""
        self._bound.apply(rules)
        remembered = any(rules.take_over(one) for one in self._memories)
        if not remembered:
            self.memory += 1
        rules.counts.tally = self.tally
        self._held[rules.version] = _Held(rules, self._now())
        self._arrange()
        return remembered

    def _drop(self, names: Collection[str]) -> None:
        for name in names:
            self._held.pop(name).report.tell()
        if names:
            self._arrange()

    def _arrange(self) -> None:
        memories: list[RuleSet] = []
        for held in self._held.values():
            if not any(held.rules.shares(one) for one in memories):
                memories.append(held.rules)
        self._memories = memories
        self._others = {
            name: [one for one in memories if not held.rules.shares(one)] for name, held in self._held.items()
        }
