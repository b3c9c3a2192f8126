"""What the aggregates of one rule look at where they do not say it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.rules.expressions.bounds import AMOUNT

if TYPE_CHECKING:
    from detector.rules.expressions import Kind
    from detector.rules.expressions.aggregating import Asked, Inner
    from detector.rules.expressions.parts import Reaches, Value
    from detector.rules.windows.plan import Key, Plan


class Answer(NamedTuple):
    """What gets the value of an aggregate.

    ``reaches`` tells what holds wherever that is at least a whole number above 0 or cannot be told, the quickest first.
    """

    value: Value
    reaches: Reaches | None


class History:
    """A rule's key, window and filter. Without a key there are no aggregates; ``key_told``: the file names one.

    ``currency`` is the rule's, of the numbers that stand for money in filters and values; None for any.
    ``keyed`` are the names of its key, each with its kind and what gets its value. ``widths_us`` are all that were
    asked for. Where ``filters_amount``, a transaction's own amount decides whether it
    is part of it.
    """

    def __init__(  # noqa: PLR0913 (a rule has that many members about it)
        self,
        plan: Plan,
        key: Key | None,
        width_us: int | None,
        where: Inner | None,
        currency: str | None,
        *,
        key_told: bool,
    ) -> None:
        self.plan = plan
        self.key = key
        self.width_us = width_us
        self.where = where
        self.currency = currency
        self.key_told = key_told
        self.keyed: list[tuple[str, Kind, Value]] = []
        self.widths_us: set[int] = set()
        # Rather too often than not: the word may be a text in it.
        self.filters_amount = where is not None and AMOUNT in where.text

    def answer(self, asked: Asked) -> Answer:
        """Return what gets the value of an aggregate for the transaction at hand."""
        width_us = self.width_us if asked.width_us is None else asked.width_us
        if self.key is None or width_us is None:
            return Answer(lambda _: None, None)  # the file is refused for it
        self.widths_us.add(width_us)
        where = self.where if asked.where is None else asked.where
        reader = self.plan.reader(self.key, asked._replace(where=where), width_us, self.currency)
        return Answer(reader.value, reader.reaches)
