"""Sentences with expressions in braces: ``{amount} {currency} at or above 900``; ``{{`` and ``}}`` stand for braces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from detector.rules.expressions import Compiled, EvaluationError, compile_expression
from detector.rules.expressions.parts import Fault
from detector.rules.showing import readable

if TYPE_CHECKING:
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
        self._pieces = pieces

    def sentence(self, subject: Subject) -> str:
        """Return it for a transaction; what has no value there is a question mark."""
        return "".join(piece if isinstance(piece, str) else _value(piece, subject) for piece in self._pieces)


def _value(piece: Compiled, subject: Subject) -> str:
    try:
        return readable(piece.kind, piece.value(subject))
    except EvaluationError:
        return NO_VALUE


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
