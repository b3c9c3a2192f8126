"""Which keys rules may have: those whose transactions are all in one partition of a log that some stage reads. Pure.

The input is the log of the first stage. Behind it stands one for each hop, in which transactions are gathered by one
more field or member. A key of several names is finer than each of them, so one that is gathered suffices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Logs = Sequence[Collection[str]]  # for each stage the names by which its log is partitioned

# The input's records are keyed by the account: the source, else the target.
GATHERED: Final = frozenset({"source", "account"})


def gathered_by(hop: str) -> frozenset[str]:
    """Return the names by which transactions are gathered in a hop; by source means by account."""
    return GATHERED if hop in GATHERED else frozenset({hop})


def chosen_hops(names: Iterable[str], gathered: Collection[str] = GATHERED) -> tuple[str, ...]:
    """Return the hops for names that a person has chosen, by account first; none for what the input does already."""
    wanted = ["source", *names] if gathered != GATHERED else list(names)
    hops = dict.fromkeys("source" if name in GATHERED else name for name in wanted)
    return tuple(hop for hop in hops if hop not in gathered)


def logs_of(hops: Iterable[str], gathered: Collection[str] = GATHERED) -> Logs:
    """Return the names by which each stage gathers, where the input does so by some and ``hops`` stand behind it."""
    return (gathered, *map(gathered_by, hops))


def stage_of(key: Collection[str], logs: Iterable[Collection[str]]) -> int | None:
    """Return the first stage that can judge by a key, where each gathers by some names; None where none can."""
    for stage, names in enumerate(logs):
        if any(name in names for name in key):
            return stage
    return None


def hops_for(keys: Iterable[Sequence[str]], gathered: Collection[str] = GATHERED) -> tuple[str, ...]:
    """Return the hops that keys ask for behind a log that is ``gathered`` by some names, in the order of the keys.

    Of a key that several hops would do for, the first name makes one, unless another key's does already.
    """
    hops: list[str] = []
    for key in keys:
        if key and stage_of(key, logs_of(hops, gathered)) is None:
            hops.append(key[0])
    return chosen_hops(hops, gathered) if hops else ()


def refusal(key: Sequence[str], logs: Logs) -> str | None:
    """Return why a key cannot be used where each stage gathers by some names; None where it can."""
    if stage_of(key, logs) is not None:
        return None
    known = sorted({name for names in logs for name in names})
    told = " or ".join((", ".join(known[:-1]), known[-1])) if len(known) > 1 else "".join(known) or "none"
    return (
        f"key: {', '.join(key)[:80]} is spread over the partitions of the log; in this deployment a key is {told}, "
        f"or a list that has one of them. To gather transactions by {key[0][:80]}, too, start every detector "
        f"with {key[0][:80]} in RULE_KEYS"
    )
