"""Dead letters and the markers that tell what became of them. Pure: records in, a view of them out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.contracts import headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.headers import Header
    from pipeline.contracts.topics import Topic


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``place`` is where it stands among the dead letters of ``twin``, ``attempt`` from 0.

    ``redriven`` is where the record stands that it became, None while it is pending.
    """

    twin: Topic
    place: Coordinates
    origin: Coordinates | None
    source: Coordinates | None
    reason: str
    detail: str
    service: str
    truncated: bool
    attempt: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    foreign: tuple[Header, ...]
    redriven: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """What was written together with a record that was sent again."""

    letter: Coordinates
    attempt: int
    became: Coordinates

    def headers(self) -> list[Header]:
        """Return it as the headers of its record, which has no key and an empty value."""
        return [
            (headers.MARKER.name, headers.REDRIVEN),
            (headers.LETTER.name, self.letter.encode()),
            (headers.ATTEMPT.name, b"%d" % self.attempt),
            (headers.BECAME.name, self.became.encode()),
        ]


def is_marker(record_headers: Iterable[Header]) -> bool:
    """Tell whether a record among dead letters is no letter."""
    return headers.find(record_headers, headers.MARKER) is not None


def read_marker(record_headers: list[Header]) -> Marker | None:
    """Return the marker of a record that was sent again, or None where it is another record."""
    if headers.find(record_headers, headers.MARKER) != headers.REDRIVEN:
        return None
    letter = headers.coordinates_in(record_headers, headers.LETTER)
    became = headers.coordinates_in(record_headers, headers.BECAME)
    if letter is None or became is None:
        return None
    return Marker(letter, attempt_in(record_headers), became)


def attempt_in(record_headers: list[Header]) -> int:
    """Return how often a record was sent again, 0 where it does not say."""
    text = headers.find(record_headers, headers.ATTEMPT) or b"0"
    return int(text) if text.isdigit() and len(text) < 5 else 0  # noqa: PLR2004 (nobody tries ten thousand times)


def letters_of(letters: Iterable[Letter], markers: Iterable[Marker]) -> list[Letter]:
    """Return letters of one topic with what became of them and how often each transaction was sent again before.

    A letter of the input topic that was sent again is a new record with coordinates of its own, so its attempts
    follow the chain: letter, the record it became, the letter of that record.
    """
    by_letter = {marker.letter: marker for marker in markers}
    by_record = {marker.became: marker for marker in by_letter.values()}
    found = []
    for letter in letters:
        before = by_record.get(letter.source) if letter.source is not None else None
        done = by_letter.get(letter.place)
        attempt = letter.attempt if before is None else before.attempt
        found.append(replace(letter, attempt=attempt, redriven=None if done is None else done.became))
    return found
