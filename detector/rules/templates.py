"""Sentences with expressions in braces: ``{amount} {currency} at or above 900``; ``{{`` and ``}}`` stand for braces."""

from __future__ import annotations

import re
from decimal import DecimalException
from typing import TYPE_CHECKING, Final

from detector.rules.expressions import Compiled, EvaluationError, compile_expression
from detector.rules.expressions.code import bound, function
from detector.rules.expressions.parts import Fault
from detector.rules.showing import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from detector.rules.expressions import Names
    from detector.rules.subject import Subject
    from detector.rules.windows.history import History

MAX_CHARACTERS: Final = 500
_PIECES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
NO_VALUE: Final = "?"


class Template:
    """A sentence, compiled."""

    def __init__(self, pieces: list[str | Compiled]) -> None:
        self._pieces = [piece if isinstance(piece, str) else _settled(piece) for piece in pieces]
        self._made: Callable[[Subject], str] | None = None

    def sentence(self, subject: Subject) -> str:
        """Return it for a transaction; what has no value there is a question mark."""
        if self._made is None:  # when a rule hits for the first time, as ``value_of`` does
            self._made = _written(self._pieces)
        return self._made(subject)


def _settled(piece: Compiled) -> str | Compiled:
    """Return the text of a piece that is the same for all transactions; else the piece."""
    made = piece.code
    return readable(piece.kind, made.bound[made.text]) if made.text in made.bound else piece


def _written(pieces: Sequence[str | Compiled]) -> Callable[[Subject], str]:
    """Return what makes a sentence, as one function: every fraud has one, and a call for each piece took twice as long.

    Its text is of our words alone (see ``expressions.code``).
    """
    held: dict[str, object] = {
        "readable": readable,
        "EvaluationError": EvaluationError,
        "DecimalException": DecimalException,
        "NO_VALUE": NO_VALUE,
    }
    lines, parts = ["t = s.transaction"], []
    for number, piece in enumerate(pieces):
        if isinstance(piece, str):
            itself = bound(piece)
            held |= itself.bound
            parts.append(itself.text)
            continue
        kind, name = bound(piece.kind), f"p{number}"
        held |= {**kind.bound, **piece.code.bound}
        lines += [
            f"try: {name} = readable({kind.text}, {piece.code.text})",
            f"except (EvaluationError, DecimalException): {name} = NO_VALUE",
        ]
        parts.append(name)
    return function("sentence", "s", [*lines, f"return {' + '.join(parts) or repr('')}"], held)


def compile_template(text: str, names: Names, zone: tzinfo, history: History | None = None) -> Template | list[Fault]:
    """Return the sentence, or all that is wrong with it; ``history`` as in ``compile_expression``."""
    if len(text) > MAX_CHARACTERS:
        return [Fault(0, f"a message has at most {MAX_CHARACTERS} characters, this one {len(text)}")]
    pieces: list[str | Compiled] = []
    faults: list[Fault] = []
    for found in _PIECES.finditer(text):
        piece = found[0]
        if piece in {"{{", "}}"}:
            pieces.append(piece[0])
        elif piece in {"{", "}"}:
            faults.append(Fault(found.start(), f"a brace without its other; {piece * 2} stands for one"))
        elif found[1] is None:
            pieces.append(piece)
        else:
            inner = compile_expression(found[1], None, names, zone, history)
            if isinstance(inner, Compiled):
                pieces.append(inner)
            else:
                faults += [Fault(found.start() + 1 + fault.offset, fault.told) for fault in inner]
    return faults or Template(pieces)
