"""Questions that name many values, some at a time: a statement takes so many and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE: Final = 500

T = TypeVar("T")


def slices(values: list[T]) -> Iterator[list[T]]:
    """Yield the values in their order, so many at a time as one question takes."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
