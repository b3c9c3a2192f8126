"""Text of Python that expressions are made into, so that a rule is one function and not a tree of calls.

No text of a rule file gets into it. Whatever a file says (numbers, texts, patterns, paths) is bound as a value, under a
name that is made here; the rest are the few words that this package writes itself. In all of it ``s`` is the subject
and ``t`` its transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from detector.rules.subject import Subject


class Code(NamedTuple):
    """An expression of Python, in brackets where it needs them; ``bound`` are the values that its names stand for."""

    text: str
    bound: Mapping[str, object]


def bound(value: object) -> Code:
    """Return a name for a value.

    It is the value's identity, so two texts may be put together without a look at their names: whoever has the text
    keeps the value.
    """
    name = f"k{id(value):x}"
    return Code(name, {name: value})


def code(template: str, *parts: Code) -> Code:
    """Return a text of ours, with parts where it has ``{}``."""
    held: dict[str, object] = {}
    for part in parts:
        held.update(part.bound)
    return Code(template.format(*[part.text for part in parts]), held)


def function(name: str, parameters: str, lines: list[str], held: Mapping[str, object]) -> Callable[..., Any]:
    """Return a function of ours: what it is called, what it takes, its body, and the values its names stand for."""
    body = "\n    ".join(lines)
    namespace = dict(held)
    # Text of this package alone, see above.
    exec(compile(f"def {name}({parameters}):\n    {body}\n", f"<{name}>", "exec"), namespace)  # noqa: S102
    made: Callable[..., Any] = namespace[name]  # type: ignore[assignment]
    return made


def value_of(made: Code) -> Callable[[Subject], Any]:
    """Return what gets the value of an expression: a function that is made when it is first called.

    Most are asked for by a hit alone, and files of ten thousand rules are loaded while a detector runs.
    """
    found: Callable[[Subject], Any] | None = None

    def value(subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        nonlocal found
        if found is None:
            found = function("value", "s", ["t = s.transaction", f"return {made.text}"], made.bound)
        return found(subject)

    return value
