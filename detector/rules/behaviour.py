"""The part of a rule that is about the past, from what its file says: its key, its filter, its sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.rules.expressions import Compiled, Kind, compile_expression
from detector.rules.expressions.accessing import access
from detector.rules.expressions.aggregating import Inner
from detector.rules.expressions.code import value_of
from detector.rules.files.spec import ANY_CURRENCY
from detector.rules.problems import Problem, placed
from detector.rules.windows.history import History
from detector.rules.windows.inputs import any_code, steps_code
from detector.rules.windows.sequences import Sequence

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.rules.expressions import Names
    from detector.rules.files.document import Scalar
    from detector.rules.files.spec import RuleSpec
    from detector.rules.windows.plan import KeyParts, Plan

MISSING_CURRENCY = (
    "currency: is missing: money is compared with a number, of which currency? A code such as EUR, or any"
)


class Steps(NamedTuple):
    """A sequence: its last step, which the transaction at hand has to hold, and what finds those before."""

    last: Compiled
    before: Sequence


class Behaviour:
    """Makes what one rule asks of the past, and notes all that is wrong with it."""

    def __init__(self, rule: RuleSpec, names: Names, zone: tzinfo, plan: Plan, problems: list[Problem]) -> None:
        self._rule = rule
        self._names = names
        self._zone = zone
        self._plan = plan
        self._problems = problems
        self._currency = None if rule.currency in {None, ANY_CURRENCY} else rule.currency
        self._filter = None if rule.filter is None else self._condition(rule.filter)
        parts = self._key_parts()
        self._key = plan.key(parts) if parts else None
        self.history = History(plan, self._key, rule.window_us, self._filter, self._currency, key_told=bool(rule.key))
        self.history.keyed += [(name, kind, value_of(get)) for name, kind, get in parts]

    def sequence(self) -> Steps | None:
        """Return the sequence; None where the rule has none, or something is wrong with it."""
        rule = self._rule
        made = [self._compiled(step) for step in rule.sequence]
        steps = [one for one in made if one is not None]
        if not steps or len(steps) < len(made) or self._key is None or rule.within_us is None:
            return None
        *before, last = steps
        inners = [_inner(one) for one in before]
        conditions = [self._plan.condition(one, self._currency) for one in inners]
        # Only what is in the rule's filter and holds a step is kept.
        where = None if self._filter is None else self._plan.condition(self._filter, self._currency)
        identity = (self._currency, None if self._filter is None else self._filter.text, *(one.text for one in inners))
        any_step = Inner(repr(identity), Kind.TRUTH, any_code(where, conditions), mixes_money=False)
        condition = self._plan.condition(any_step, None)
        view = self._plan.steps(self._key, identity, condition, steps_code(conditions), rule.within_us)
        return Steps(last, Sequence(view, len(before), rule.within_us))

    def _key_parts(self) -> KeyParts:
        """Return the names of the key with what gets them; nothing where there is none, or something is wrong."""
        parts: KeyParts = ()
        for scalar in self._rule.key:
            found = self._names.find(scalar.text)
            if found is None:
                told = f"key: there is no {scalar.text[:80]}; {self._names.like(scalar.text)}"
                self._problems.append(Problem(scalar.line, scalar.column, told, self._rule.id))
            else:
                parts = (*parts, (scalar.text, found[0], access(scalar.text, *found)))
        return parts if len(parts) == len(self._rule.key) else ()

    def _condition(self, scalar: Scalar) -> Inner | None:
        found = self._compiled(scalar)
        return None if found is None else _inner(found)

    def _compiled(self, scalar: Scalar) -> Compiled | None:
        found = compile_expression(scalar.text, Kind.TRUTH, self._names, self._zone)
        if not isinstance(found, Compiled):
            self._problems += placed(found, scalar, self._rule.id)
            return None
        if found.mixes_money and self._rule.currency is None:
            self._problems.append(Problem(scalar.line, scalar.column, MISSING_CURRENCY, self._rule.id))
        return found


def _inner(found: Compiled) -> Inner:
    return Inner(found.text, found.kind, found.code, found.mixes_money)
