"""What the stages before have found about a record: it travels in a header from one to the next."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from detector.rules.stage import FOUND_NOTHING, Found
from pipeline.contracts import headers
from pipeline.contracts.caveats import NONE, Caveats
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Hit

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record


class SoFar(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hits in full, and the version of the rules by which the first stage has judged: the others go by it, too."""

    ruleset: str
    hits: list[Hit] = []
    caveats: Caveats = NONE

    @property
    def found(self) -> Found:
        """What that is to the rules."""
        return Found(self.hits, self.caveats) if self.hits or self.caveats is not NONE else FOUND_NOTHING

    def header(self) -> Header:
        """Return it as the header of a record."""
        return headers.SO_FAR.name, _encode(self)


_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(SoFar).decode
# What says that nothing was found, as nearly always, is the same for all that were judged by one version.
_EMPTY_BYTES: Final = 64
_empty_of: Final = lru_cache(64)(_decode)


@lru_cache(64)
def _empty(ruleset: str) -> Header:
    return SoFar(ruleset, []).header()


def header_of(ruleset: str, found: Found) -> Header:
    """Return the header of a record of which this was found by a version of the rules."""
    if not found.hits and found.caveats is NONE:
        return _empty(ruleset)
    return SoFar(ruleset, found.hits, found.caveats).header()


def so_far_of(record: Record) -> SoFar:
    """Return what the stages before have found about a record of a hop.

    Raises:
        InvalidMessageError: it does not say; somebody outside has written it.

    """
    try:
        told = headers.find(record.headers, headers.SO_FAR) or b""
        return _empty_of(told) if len(told) <= _EMPTY_BYTES else _decode(told)
    except msgspec.MsgspecError as error:
        raise InvalidMessageError(Reason.NO_HITS, f"what the stages before have found: {error}") from None
