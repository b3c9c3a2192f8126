"""One function for all rules of a set: what it costs a transaction is what its rules cost, and no call for each."""

from __future__ import annotations

from decimal import DecimalException
from typing import TYPE_CHECKING, Protocol

from detector.rules.expressions import EvaluationError
from detector.rules.expressions.code import bound, function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.rules.expressions.code import Code
    from detector.rules.subject import Subject
    from pipeline.contracts.messages import Hit

    Judge = Callable[[Subject], list[Hit] | None]


class Judged(Protocol):
    """A rule, or a list in the place of one; ``code`` tells whether it fires."""

    @property
    def id(self) -> str:
        """What names it."""

    @property
    def code(self) -> Code:
        """What tells whether it fires; it raises EvaluationError or DecimalException where it has no value."""

    def hit(self, subject: Subject) -> Hit:
        """Return the hit of a transaction for which it fires."""


def judge_of(rules: Sequence[Judged], missed: Callable[[str, str], None]) -> Judge:
    """Return what finds the hits of a transaction, in the order of the rules; None where there are none.

    ``missed`` is told of each rule that had no value, and why.
    """
    lines, held = (
        ["t = s.transaction", "hits = None"],
        {
            "EvaluationError": EvaluationError,
            "DecimalException": DecimalException,
            "missed": missed,
            "hit": _hit,
        },
    )
    for rule in rules:
        fires, itself, name = rule.code, bound(rule), bound(rule.id)
        held |= {**fires.bound, **itself.bound, **name.bound}
        lines += [
            "try:",
            f"    if {fires.text}: hits = hit(hits, {itself.text}, s)",
            "except EvaluationError as error:",
            f"    missed({name.text}, error.code)",
            "except DecimalException:",
            f"    missed({name.text}, 'arithmetic')",
        ]
    return function("judge", "s", [*lines, "return hits"], held)


def _hit(hits: list[Hit] | None, rule: Judged, subject: Subject) -> list[Hit]:
    found = [] if hits is None else hits
    found.append(rule.hit(subject))
    return found
