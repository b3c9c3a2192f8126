"""Lists at work: values that are always refused, and values that are exempt from rules."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from detector.rules.expressions import EvaluationError
from detector.rules.expressions.code import bound, code
from detector.rules.showing import readable
from pipeline.contracts.messages import Hit
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from detector.rules.expressions import Kind
    from detector.rules.expressions.code import Code
    from detector.rules.expressions.names import Getter
    from detector.rules.files.list_spec import ListSpec
    from detector.rules.subject import Subject


class DenyList:
    """Hits whatever has a value of the list, at its own time; beside rules, as one of them."""

    def __init__(self, spec: ListSpec, kind: Kind, get: Getter) -> None:
        self.id = spec.id
        self._spec = spec
        self._kind = kind
        self._get = get

    def describe(self) -> dict[str, object]:
        """Return what decides about hits, fit for JSON."""
        return {**_described(self._spec), "severity": self._spec.severity, "score": self._spec.score}

    @property
    def code(self) -> Code:
        """What tells whether the value is on the list."""
        return code("{}(s)", bound(self.fires))

    def fires(self, subject: Subject) -> bool:
        """Tell whether the value is on the list.

        Raises:
            EvaluationError: there is no value.

        """
        return _holds(self._spec.entries, self._get(subject), subject)

    def hit(self, subject: Subject) -> Hit:
        """Return the hit of a transaction for which it fires."""
        value = self._get(subject)
        shown = readable(self._kind, value)
        return Hit(
            rule=self.id,
            severity=self._spec.severity,
            score=self._spec.score,
            message=f"{self._spec.on.text} {shown} is on the list {self.id}",
            values={self._spec.on.text: str(value)},
            key={self._spec.on.text: str(value)},
        )


class AllowList:
    """Exempts what has a value of the list, at its own time, from ``rules``: ids, resolved."""

    def __init__(self, spec: ListSpec, get: Getter, rules: Collection[str]) -> None:
        self.id = spec.id
        self._spec = spec
        self._get = get
        self._rules = frozenset(rules)

    def describe(self) -> dict[str, object]:
        """Return what decides about exemptions, fit for JSON."""
        return {**_described(self._spec), "exempts": sorted(self._rules)}

    def exempted(self, subject: Subject) -> frozenset[str]:
        """Return the rules whose hits do not count for this transaction."""
        try:
            value = self._get(subject)
        except EvaluationError:
            return frozenset()
        return self._rules if _holds(self._spec.entries, value, subject) else frozenset()


def _holds(entries: Mapping[str, int | None], value: object, subject: Subject) -> bool:
    if not isinstance(value, str) or value not in entries:
        return False
    until = entries[value]
    return until is None or microseconds_of(subject.transaction.timestamp) <= until


def _described(spec: ListSpec) -> dict[str, object]:
    digest = hashlib.sha256()
    for value, until in sorted(spec.entries.items()):
        digest.update(f"{len(value)}:{value}:{until}\n".encode(errors="surrogatepass"))
    return {"id": spec.id, "type": spec.type, "on": spec.on.text, "entries": digest.hexdigest()}
