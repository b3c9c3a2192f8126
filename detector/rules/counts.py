"""How many transactions were judged, how often each rule hit, and how often it had no value."""

from __future__ import annotations

from collections import Counter


class Tally:
    """What is counted over all versions of rules that a process has judged by, one after the other."""

    def __init__(self) -> None:
        self.total: Counter[tuple[str, str]] = Counter()
        self.judged = 0


class RuleCounts:
    """Counts by rule and by what happened: the standing of a hit, or the code of an error.

    What is counted is staged until its batch is committed, so that nothing is counted twice that is done twice.
    ``tally`` counts on where another version is used.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.total: Counter[tuple[str, str]] = Counter()
        self.judged = 0
        self.staged = 0  # transactions that were judged since the last outcome; whoever judges adds them
        self._staged: list[tuple[str, str]] = []

    def add(self, rule: str, what: str) -> None:
        """Count something of a rule, until the batch's outcome is known."""
        self._staged.append((rule, what))

    def committed(self) -> None:
        """Take what was staged for good."""
        self.judged += self.staged
        self.tally.judged += self.staged
        self.staged = 0
        if self._staged:
            self.total.update(self._staged)
            self.tally.total.update(self._staged)
            self._staged.clear()

    def aborted(self) -> None:
        """Forget what was staged."""
        self.staged = 0
        self._staged.clear()

    def told(self) -> str:
        """Return the counts as a sentence, by rule."""
        rules = sorted({rule for rule, _ in self.total})
        return "; ".join(f"{rule}: {self._told(rule)}" for rule in rules)

    def _told(self, rule: str) -> str:
        return ", ".join(f"{what} {count:,}" for (of, what), count in sorted(self.total.items()) if of == rule)
