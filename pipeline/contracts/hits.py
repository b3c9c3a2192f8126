"""Hits that did not suffice, and caveats, as one compact header of a legitimate record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.caveats import NONE
from pipeline.contracts.messages import COUNTED, EXEMPT, SHADOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.contracts.caveats import Caveats
    from pipeline.contracts.messages import Hit

MAX_HITS: Final = 50  # some 4 KB; the rest is only counted
_STANDINGS: Final = frozenset({COUNTED, SHADOW, EXEMPT})


def encode_hits(ruleset: str, hits: Sequence[Hit], caveats: Caveats = NONE) -> bytes:
    """Return the header's value: ``<rule set> <rule>=<score>:<standing> ...``, and ``+<number>`` for those left out.

    The names of caveats stand behind the rule set; no hit of a rule looks like them.
    """
    told = [ruleset, *caveats.names()]
    told += [f"{hit.rule}={hit.score}:{hit.standing}" for hit in hits[:MAX_HITS]]
    if len(hits) > MAX_HITS:
        told.append(f"+{len(hits) - MAX_HITS}")
    return " ".join(told).encode()


def standings_in(value: bytes | None) -> Iterator[tuple[str, str]]:
    """Yield the rules in a header's value, each with how its hit counts; what cannot be read is passed over."""
    for part in (value or b"").decode(errors="replace").split(" ")[1:]:
        rule, _, told = part.rpartition("=")
        standing = told.partition(":")[2]
        if rule and standing in _STANDINGS:
            yield rule, standing
