"""Hits that did not suffice, and caveats, as one compact header of a legitimate record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.caveats import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.caveats import Caveats
    from pipeline.contracts.messages import Hit

MAX_HITS: Final = 50  # some 4 KB; the rest is only counted


def encode_hits(ruleset: str, hits: Sequence[Hit], caveats: Caveats = NONE) -> bytes:
    """Return the header's value: ``<rule set> <rule>=<score>:<standing> ...``, and ``+<number>`` for those left out.

    The names of caveats stand behind the rule set; no hit of a rule looks like them.
    """
    told = [ruleset, *caveats.names()]
    told += [f"{hit.rule}={hit.score}:{hit.standing}" for hit in hits[:MAX_HITS]]
    if len(hits) > MAX_HITS:
        told.append(f"+{len(hits) - MAX_HITS}")
    return " ".join(told).encode()
