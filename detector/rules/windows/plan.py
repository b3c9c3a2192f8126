"""What the rules of a file ask of the past, together: keys, series of them, and columns; shared by all rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.expressions.bounds import AMOUNT
from detector.rules.expressions.kinds import US_PER, Kind
from detector.rules.windows.at import At
from detector.rules.windows.inputs import Condition, Input, key_code
from detector.rules.windows.reading import Reader
from detector.rules.windows.series import Form
from detector.rules.windows.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.rules.expressions.aggregating import Asked, Inner
    from detector.rules.expressions.code import Code

DEFAULT_LATENESS_US: Final = US_PER["h"]
_FORMS: Final = {
    Kind.NUMBER: Form.NUMBER,
    Kind.MONEY: Form.NUMBER,
    Kind.MOMENT: Form.WHOLE,
    Kind.DURATION: Form.WHOLE,
    Kind.TEXT: Form.PLAIN,
    Kind.TRUTH: Form.PLAIN,
}

KeyParts = tuple[tuple[str, Kind, "Code"], ...]  # a name, its kind, and what gets it


class Key:
    """A field or member, or several, whose values have histories; ``views`` are its series."""

    def __init__(self, names: tuple[str, ...], value: Code) -> None:
        self.names = names
        self.value = value
        self.at = At()
        self.views: list[View] = []
        self._index: dict[object, View] = {}

    def shape(self, inputs: Mapping[int, object]) -> object:
        """Return what is kept of a value; ``inputs`` are the identities of inputs by ``id``."""
        return [
            (identity, view.widths, view.folds, view.reach_us, [inputs.get(id(one)) for one in view.inputs])
            for identity, view in self._index.items()
        ]

    def view(self, identity: object, condition: Condition | None, *, money: bool) -> View:
        """Return the series of an identity; a new one where there is none yet."""
        view = self._index.get(identity)
        if view is None:
            view = self._index[identity] = View(self.at, len(self.views), condition, money=money)
            self.views.append(view)
        return view


class Plan:
    """The keys of a file's rules at one stage, with what is asked of them; ``lateness_us`` is the file's."""

    def __init__(self, lateness_us: int = DEFAULT_LATENESS_US) -> None:
        self.lateness_us = lateness_us
        self._keys: dict[tuple[str, ...], Key] = {}
        self._conditions: dict[object, Condition] = {}
        self._inputs: dict[object, Input] = {}
        self._readers: dict[object, Reader] = {}

    @property
    def keys(self) -> list[Key]:
        """The keys that are asked for, in the order of the rules."""
        return [key for key in self._keys.values() if key.views]

    @property
    def conditions(self) -> list[Condition]:
        """The conditions; each stands behind those that it names."""
        return list(self._conditions.values())

    @property
    def reach_us(self) -> int:
        """How far behind the clock of a key anything is still looked at, in microseconds; 0 where nothing is."""
        reaches = [view.reach_us for key in self.keys for view in key.views]
        return max(reaches) + self.lateness_us if reaches else 0

    def shape(self) -> object:
        """Return what is kept, and in which order: plans of the same shape can take histories over from each other.

        That holds where names in expressions stand for the same, too, such as variables.
        """
        named = {id(one): identity for identity, one in self._inputs.items()}
        keys = [(key.names, key.shape(named)) for key in self.keys]
        return self.lateness_us, keys

    def key(self, parts: KeyParts) -> Key:
        """Return a key; in whatever order its parts are named, it is the same."""
        ordered = sorted(parts, key=lambda part: part[0])
        names = tuple(name for name, *_ in ordered)
        if names not in self._keys:
            value = key_code([(get, kind is Kind.MONEY) for _, kind, get in ordered])
            self._keys[names] = Key(names, value)
        return self._keys[names]

    def condition(self, inner: Inner, currency: str | None) -> Condition:
        """Return a condition; ``currency`` is that of the numbers in it that stand for money."""
        identity = _identity(inner, currency)
        if identity not in self._conditions:
            self._conditions[identity] = Condition(f"c{len(self._conditions)}", inner.code, identity[1])
        return self._conditions[identity]

    def reader(self, key: Key, asked: Asked, width_us: int, currency: str | None) -> Reader:
        """Return an aggregate, completely asked for, of a window of a key's history."""
        function, of, where = asked.function, asked.of, asked.where
        money = of is not None and of.kind is Kind.MONEY
        condition = None if where is None else self.condition(where, currency)
        view = key.view((None if where is None else _identity(where, currency), money), condition, money=money)
        form = Form.HASH if function == "count_distinct" else None if of is None else _FORMS[of.kind]
        identity = (key.names, view.index, function, None if of is None else _identity(of, currency), width_us)
        if identity not in self._readers:
            column = None
            if of is not None and form is not None:
                column = view.column(self._input(of, form, currency))
            view.reach(width_us)
            mine = of.code if of is not None and function == "sum" and of.text == AMOUNT else None
            self._readers[identity] = Reader(view, function, column, width_us, mine)
        return self._readers[identity]

    def steps(self, key: Key, identity: Sequence[object], condition: Condition, value: Code, width_us: int) -> View:
        """Return the series of transactions that hold any step of a sequence, of which one column tells which."""
        view = key.view(("steps", *identity), condition, money=False)
        if not view.inputs:
            view.column(Input(f"s{view.index}", value, Form.WHOLE, None))
        view.reach(width_us, folds=False)
        view.folds = False
        return view

    def _input(self, of: Inner, form: Form, currency: str | None) -> Input:
        identity = (_identity(of, currency), form)
        if identity not in self._inputs:
            self._inputs[identity] = Input(f"i{len(self._inputs)}", of.code, form, identity[0][1], kind=of.kind)
        return self._inputs[identity]


def _identity(inner: Inner, currency: str | None) -> tuple[str, str | None]:
    """Tell expressions apart that differ: by their text, and by the currency of the numbers in them."""
    return inner.text, currency if inner.mixes_money else None
