"""Which keys rules may have: those whose transactions are all in one partition of the log that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# The input's records are keyed by the account: the source, else the target.
GATHERED: Final = frozenset({"source", "account"})


def refusal(key: Sequence[str], gathered: Collection[str]) -> str | None:
    """Return why a key cannot be used where transactions are gathered by each of some names; None where it can.

    A key of several names is finer than each of them, so one that is gathered suffices.
    """
    if any(name in gathered for name in key):
        return None
    known = " or ".join(sorted(gathered))
    return (
        f"key: {', '.join(key)[:80]} is spread over the partitions of the log; for now a key is {known}, "
        "or a list that has one of them"
    )
