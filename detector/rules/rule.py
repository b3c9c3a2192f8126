"""A rule at work."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import DecimalException
from typing import TYPE_CHECKING, Final

from detector.rules.expressions import EvaluationError, Kind
from detector.rules.expressions.bounds import AMOUNT
from detector.rules.expressions.code import bound, code, value_of
from detector.rules.files.spec import ACTIVE, ANY_CURRENCY, HIT, OFF
from detector.rules.passing import Passing
from detector.rules.showing import exact
from pipeline.contracts.messages import COUNTED, SHADOW, Hit, Span
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.behaviour import Steps
    from detector.rules.expressions import Compiled
    from detector.rules.expressions.code import Code
    from detector.rules.expressions.parts import Value
    from detector.rules.files.spec import RuleSpec
    from detector.rules.subject import Subject
    from detector.rules.templates import Template
    from detector.rules.windows.history import History

_FIRST_US: Final = microseconds_of(datetime.min.replace(tzinfo=UTC))
HUNDREDTHS: Final = 10_000  # of a per cent, in the whole


class Rule:
    """One reason to take a transaction for fraud, as a file states it. ``id`` names it.

    ``fires`` tells whether it hits a transaction; it raises EvaluationError or DecimalException where the expression
    has no value, and that means a miss.
    """

    def __init__(
        self,
        spec: RuleSpec,
        when: Compiled | None,
        message: Template | None,
        sequence: Steps | None = None,
        history: History | None = None,
    ) -> None:
        """Take what a file says of it, compiled; ``when`` is None where a ``sequence`` stands alone."""
        self.id = spec.id
        self._spec = spec
        conditions = [one for one in (None if sequence is None else sequence.last, when) if one is not None]
        self._before = None if sequence is None else sequence.before
        self._uses = [(name, one.kinds[name], get) for one in conditions for name, get in one.uses.items()]
        self._keyed = [] if history is None else history.keyed
        self._widths_us = {*(history.widths_us if history is not None else ()), *([spec.within_us] if sequence else [])}
        self._message = message
        self._told = " then ".join([*(one.text for one in spec.sequence), *([spec.when.text] if when else [])])
        self._currency = None if spec.currency in {None, ANY_CURRENCY} else spec.currency
        self._share = int(spec.rollout * 100)
        self.code = self._made([one.code for one in conditions])
        self.fires: Value = value_of(self.code)
        self._passing = _passing_of(self.fires, conditions, history)

    @property
    def in_force(self) -> bool:
        """Tell whether it is evaluated at all."""
        return self._spec.mode != OFF

    @property
    def goes_into_quarantine(self) -> bool:
        """Tell whether it is to decide nothing any more when it explodes; one that decides nothing needs none."""
        return self._spec.quarantine and self._spec.mode == ACTIVE

    def describe(self) -> dict[str, object]:
        """Return what decides about hits, fit for JSON: the rule set's version is made of it."""
        spec = self._spec
        past = {
            "key": sorted(one.text for one in spec.key),
            "window_us": spec.window_us,
            "filter": None if spec.filter is None else spec.filter.text,
            "sequence": [one.text for one in spec.sequence],
            "within_us": spec.within_us,
            "quarantine": SHADOW if spec.quarantine else None,
        }
        return {
            **{name: value for name, value in past.items() if value},
            "id": spec.id,
            "when": spec.when.text,
            "currency": spec.currency,
            "severity": spec.severity,
            "score": spec.score,
            "mode": spec.mode,
            "rollout": format(spec.rollout.normalize(), "f"),
            "message": None if spec.message is None else spec.message.text,
            "on_error": spec.on_error,
        }

    def _made(self, conditions: list[Code]) -> Code:
        """Return what tells whether it fires: the cheapest first, the last step of a sequence before the others."""
        if self._before is not None:
            conditions.insert(1, code("{}(s) is not None", bound(self._before.times)))
        fires = code("(" + " and ".join("{}" for _ in conditions) + ")", *conditions)
        if self._spec.on_error == HIT:
            fires = code("{}(s)", bound(_erring(value_of(fires))))
        if self._currency is not None:
            fires = code("(t.currency == {} and {})", bound(self._currency), fires)
        return fires

    def hit(self, subject: Subject) -> Hit:
        """Return the hit of a transaction for which it fires."""
        values = {}
        for name, kind, get in self._uses:
            try:
                values[name] = exact(kind, get(subject))
            except EvaluationError as error:
                values[name] = error.code
        values |= self._steps(subject)
        spec = self._spec
        message = self._told if self._message is None else self._message.sentence(subject)
        standing = COUNTED if self._counts(subject) else SHADOW
        return Hit(
            rule=spec.id,
            severity=spec.severity,
            score=spec.score,
            message=message,
            values=values,
            standing=standing,
            window=self._window(subject),
            passing_amount=self._passing_amount(subject),
            key=self._key(subject),
        )

    def _key(self, subject: Subject) -> dict[str, str] | None:
        """Return by whom it goes; None where it goes by nobody, or there is no value."""
        try:
            return {name: exact(kind, get(subject)) for name, kind, get in self._keyed} or None
        except EvaluationError:
            return None

    def _passing_amount(self, subject: Subject) -> str | None:
        """Return the nearest amount at which it would not fire, where there is one and it can be told."""
        amount = None if self._passing is None else self._passing.amount(subject)
        return None if amount is None else exact(Kind.MONEY, amount)

    def _steps(self, subject: Subject) -> dict[str, str]:
        """Return when the steps before the last were, by ``step 1`` and so on."""
        try:
            times = None if self._before is None else self._before.times(subject)
        except EvaluationError:
            return {}
        return {f"step {number}": exact(Kind.MOMENT, time_us) for number, time_us in enumerate(times or (), 1)}

    def _window(self, subject: Subject) -> Span | None:
        if not self._widths_us:
            return None
        end_us = microseconds_of(subject.transaction.timestamp)
        begin_us = max(end_us - max(self._widths_us), _FIRST_US)
        return Span(exact(Kind.MOMENT, begin_us), exact(Kind.MOMENT, end_us))

    def _counts(self, subject: Subject) -> bool:
        """Tell whether a hit counts for this transaction, or is only noted."""
        if self._spec.mode != ACTIVE:
            return False
        return self._share == HUNDREDTHS or share_of(self._spec.id, subject.transaction.account) < self._share


def _passing_of(fires: Value, conditions: Sequence[Compiled], history: History | None) -> Passing | None:
    """Return what tries other amounts; None where conditions do more with the amount than compare it, or nothing.

    A transaction's own amount is part of its history where the rule's filter looks at it.
    """
    if history is not None and history.filters_amount:
        return None
    found: list[Value] = []
    for condition in conditions:
        if condition.bounds is None:
            return None
        found += condition.bounds
    uses = {name for condition in conditions for name in condition.uses}
    return Passing(fires, found, alone=uses == {AMOUNT}) if found else None


def _erring(fires: Value) -> Value:
    def erring(subject: Subject) -> bool:
        try:
            return bool(fires(subject))
        except (EvaluationError, DecimalException):
            return True

    return erring


def share_of(rule: str, key: str) -> int:
    """Return a key's place in a rule's rollout, in hundredths of a per cent: the same on every machine, for ever."""
    digest = hashlib.blake2b(f"{rule}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HUNDREDTHS
