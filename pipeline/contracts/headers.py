"""The record headers that the pipeline writes, all of them declared here.

Every name starts with ``pipeline.``, but that of the trace, which is a standard. A header of that prefix which arrives
on the input topic was written by somebody outside: it is dropped, so that nobody can forge an origin. All other headers
travel on untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.contracts.coordinates import Coordinates

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[str, bytes | None]

PREFIX = "pipeline."


@dataclass(frozen=True, slots=True)
class HeaderKind:
    """A header of ours: its name, what its value looks like, and on which records it stands."""

    name: str
    value: str
    stands_on: str


ORIGIN = HeaderKind(
    "pipeline.origin",
    "`<partition>:<offset>` of the transaction in the input topic",
    "every outcome and dead letter of a transaction",
)
REASON = HeaderKind("pipeline.reason", "why, as a code such as `missing-member`", "dead letters")
DETAIL = HeaderKind("pipeline.detail", "why, as a sentence", "dead letters")
SOURCE = HeaderKind(
    "pipeline.source", "`<partition>:<offset>` of the record in the topic it could not be read from", "dead letters"
)
SERVICE = HeaderKind(
    "pipeline.service", "the service that gave up on the record, or goes on", "dead letters, and markers `resume`"
)
TRUNCATED = HeaderKind(
    "pipeline.truncated", "`<bytes>:<sha256>` of the whole value", "dead letters too large for their topic"
)
TIMESTAMP = HeaderKind(
    "pipeline.timestamp",
    "the original record time, in milliseconds since 1970, where the broker would have refused it",
    "records without a time, or with one over 55 minutes ahead",
)
ATTEMPT = HeaderKind(
    "pipeline.attempt",
    "how often it was sent again, from 1",
    "records of the branches that were sent again, their dead letters, and markers `redriven`",
)
MARKER = HeaderKind(
    "pipeline.marker", "`redriven` or `resume`", "records among dead letters that are no letters but tell of them"
)
HITS = HeaderKind(
    "pipeline.hits",
    "`<rule set> <rule>=<score>:<counted, shadow or exempt>`, a blank between hits; caveats such as `late` before them",
    "legitimate records that rules have hit without sufficing, or with a caveat (docs/rules.md)",
)
ENTERED_KEY = HeaderKind(
    "pipeline.key", "the key with which it entered; not there where it had none", "records between two stages"
)
SO_FAR = HeaderKind(
    "pipeline.so-far",
    "what the stages before have found, as JSON: `ruleset`, `hits` in full, and `caveats`",
    "records between two stages",
)
LETTER = HeaderKind("pipeline.letter", "`<partition>:<offset>` of the letter that was sent again", "markers `redriven`")
BECAME = HeaderKind("pipeline.became", "`<partition>:<offset>` of the record it became", "markers `redriven`")

RELEASED = HeaderKind(
    "pipeline.released",
    "`<partition>:<offset>` of the fraud that it was taken for, in the fraud topic",
    "legitimate records that a person has released: the transaction has an outcome there already",
)

TRACE = HeaderKind(
    "traceparent",
    "the trace of which it is a part, by W3C Trace Context",
    "records of which a trace is made (`OTEL_TRACES_EXPORTER`); one of a producer outside is taken up",
)

_ORIGIN_NAME, _TIMESTAMP_NAME = ORIGIN.name, TIMESTAMP.name

# Values of MARKER.
REDRIVEN = b"redriven"
RESUME = b"resume"

ALL = (
    ORIGIN,
    REASON,
    DETAIL,
    SOURCE,
    SERVICE,
    TRUNCATED,
    TIMESTAMP,
    ATTEMPT,
    MARKER,
    LETTER,
    BECAME,
    HITS,
    ENTERED_KEY,
    SO_FAR,
    RELEASED,
    TRACE,
)


def foreign(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Return the headers that are not ours, in their order."""
    return tuple(header for header in headers if not header[0].startswith(PREFIX))


def find(headers: Iterable[Header], kind: HeaderKind) -> bytes | None:
    """Return the value of the last header of this kind, or None where there is none."""
    value = None
    for name, candidate in headers:
        if name == kind.name:
            value = candidate
    return value


def entered_by(headers: Iterable[Header], timestamp_ms: int) -> tuple[Coordinates | None, int]:
    """Return :func:`coordinates_in` of the origin and :func:`original_time` in one walk: every record is asked both."""
    origin = stated = None
    for name, value in headers:
        if name == _ORIGIN_NAME:
            origin = value
        elif name == _TIMESTAMP_NAME:
            stated = value
    try:
        place = Coordinates.decode(origin)
    except ValueError:
        place = None
    return place, timestamp_ms if stated is None else _time_of(stated, timestamp_ms)


def coordinates_in(headers: Iterable[Header], kind: HeaderKind) -> Coordinates | None:
    """Return the coordinates in a header of this kind, or None where it is not there or cannot be read."""
    try:
        return Coordinates.decode(find(headers, kind))
    except ValueError:
        return None


def original_time(headers: Iterable[Header], timestamp_ms: int) -> int:
    """Return the record time that a header keeps, where the broker would have refused it; else ``timestamp_ms``."""
    text = find(headers, TIMESTAMP)
    return timestamp_ms if text is None else _time_of(text, timestamp_ms)


def _time_of(text: bytes, otherwise: int) -> int:
    try:
        return int(text)
    except ValueError:
        return otherwise
