"""Hits that did not suffice, and that a transaction was late, as one compact header of a legitimate record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.messages import Hit

MAX_HITS: Final = 50  # some 4 KB; the rest is only counted


def encode_hits(ruleset: str, hits: Sequence[Hit], *, late: bool = False) -> bytes:
    """Return the header's value: ``<rule set> <rule>=<score>:<standing> ...``, and ``+<number>`` for those left out.

    What came later than the rules wait for has ``late`` behind the rule set; no rule has such a hit.
    """
    told = [ruleset, "late"] if late else [ruleset]
    told += [f"{hit.rule}={hit.score}:{hit.standing}" for hit in hits[:MAX_HITS]]
    if len(hits) > MAX_HITS:
        told.append(f"+{len(hits) - MAX_HITS}")
    return " ".join(told).encode()
