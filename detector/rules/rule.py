"""A rule at work."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from detector.rules.expressions import EvaluationError
from detector.rules.files.spec import ACTIVE, ANY_CURRENCY, HIT, OFF
from detector.rules.showing import exact
from pipeline.contracts.messages import COUNTED, SHADOW, Hit

if TYPE_CHECKING:
    from detector.rules.expressions import Compiled
    from detector.rules.files.spec import RuleSpec
    from detector.rules.subject import Subject
    from detector.rules.templates import Template

HUNDREDTHS: Final = 10_000  # of a per cent, in the whole


class Rule:
    """One reason to take a transaction for fraud, as a file states it. ``id`` names it."""

    def __init__(self, spec: RuleSpec, when: Compiled, message: Template | None) -> None:
        self.id = spec.id
        self._spec = spec
        self._when = when.value
        self._uses = [(name, when.kinds[name], get) for name, get in when.uses.items()]
        self._message = message
        self._currency = None if spec.currency in {None, ANY_CURRENCY} else spec.currency
        self._share = int(spec.rollout * 100)

    @property
    def in_force(self) -> bool:
        """Tell whether it is evaluated at all."""
        return self._spec.mode != OFF

    def describe(self) -> dict[str, object]:
        """Return what decides about hits, fit for JSON: the rule set's version is made of it."""
        spec = self._spec
        return {
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

    def judge(self, subject: Subject) -> Hit | None:
        """Return the hit, or None where the rule does not fire.

        Raises:
            EvaluationError: its expression has no value for this transaction, and that means a miss.

        """
        if self._currency is not None and subject.transaction.currency != self._currency:
            return None
        try:
            if not self._when(subject):
                return None
        except EvaluationError:
            if self._spec.on_error != HIT:
                raise
        return self._hit(subject)

    def _hit(self, subject: Subject) -> Hit:
        values = {}
        for name, kind, get in self._uses:
            try:
                values[name] = exact(kind, get(subject))
            except EvaluationError as error:
                values[name] = error.code
        spec = self._spec
        message = spec.when.text if self._message is None else self._message.sentence(subject)
        standing = COUNTED if self._counts(subject) else SHADOW
        return Hit(
            rule=spec.id, severity=spec.severity, score=spec.score, message=message, values=values, standing=standing
        )

    def _counts(self, subject: Subject) -> bool:
        """Tell whether a hit counts for this transaction, or is only noted."""
        if self._spec.mode != ACTIVE:
            return False
        return self._share == HUNDREDTHS or share_of(self._spec.id, subject.transaction.account) < self._share


def share_of(rule: str, key: str) -> int:
    """Return a key's place in a rule's rollout, in hundredths of a per cent: the same on every machine, for ever."""
    digest = hashlib.blake2b(f"{rule}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HUNDREDTHS
