"""How versions of rules stand in their topic: records with a key, of which compaction keeps the last. Pure.

``version/<hash>/<number>`` hold the parts of a body, ``version/<hash>`` says how many there are and their checksum, and
``current`` which version is in force. All of them are written in one transaction.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from pipeline.contracts.rule_bodies import BrokenVersionError, RuleBody, decoded

CURRENT: Final = b"current"
PART_BYTES: Final = 512 * 1024
KEPT_VERSIONS: Final = 100
KEPT_BYTES: Final = 64 * 1024 * 1024
_PREFIX: Final = "version/"


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """Who put a version in force, when and why; ``at`` is a moment in ISO 8601, UTC, ``previous`` what was before."""

    version: str
    author: str
    at: str
    reason: str = ""
    previous: str | None = None


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    parts: int
    sha256: str
    put: Put


@dataclass(frozen=True, slots=True)
class Listed:
    """A version with who brought it first, and whether it is in force."""

    put: Put
    current: bool


Entry = tuple[bytes, bytes | None]


def entries_of(put: Put, body: RuleBody | None) -> list[Entry]:
    """Return what puts a version in force: with its body, or, where it is there already, without (None)."""
    entries: list[Entry] = []
    if body is not None:
        encoded = body.encoded()
        parts = [encoded[at : at + PART_BYTES] for at in range(0, len(encoded), PART_BYTES)]
        entries += [(_part_key(put.version, number), part) for number, part in enumerate(parts)]
        manifest = _Manifest(parts=len(parts), sha256=hashlib.sha256(encoded).hexdigest(), put=put)
        entries.append((f"{_PREFIX}{put.version}".encode(), msgspec.json.encode(manifest)))
    entries.append((CURRENT, msgspec.json.encode(put)))
    return entries


class Shelf:
    """What the topic holds, by key; the last of each key counts.

    ``put_at`` is the offset of the last record of what is in force, -1 where there is none.
    """

    def __init__(self) -> None:
        self._entries: dict[bytes, bytes] = {}
        self.put_at = -1

    def take(self, key: bytes | None, value: bytes | None, offset: int) -> None:
        """Take a record that was read, in the order in which they stand there; None for a value removes the key."""
        if key is None:
            return
        if key == CURRENT:
            self.put_at = offset
        if value is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = value

    def says_nothing(self) -> bool:
        """Tell whether nobody has said yet what is in force."""
        return CURRENT not in self._entries

    def last_put(self) -> Put | None:
        """Return :meth:`current`, or None also where that cannot be read."""
        try:
            return self.current()
        except BrokenVersionError:
            return None

    def current(self) -> Put | None:
        """Return which version is in force, or None where there is none yet.

        Raises:
            BrokenVersionError: it cannot be read.

        """
        value = self._entries.get(CURRENT)
        if value is None:
            return None
        try:
            return msgspec.json.decode(value, type=Put)
        except msgspec.DecodeError as error:
            raise BrokenVersionError(f"the record of what is in force cannot be read: {error}") from None

    def holds(self, version: str) -> bool:
        """Tell whether a version is there."""
        return f"{_PREFIX}{version}".encode() in self._entries

    def body(self, version: str) -> RuleBody:
        """Return what a version holds.

        Raises:
            BrokenVersionError: it is not there, or not as it was written.

        """
        manifest = self._manifest(version)
        parts = [self._entries.get(_part_key(version, number)) for number in range(manifest.parts)]
        encoded = b"".join(part for part in parts if part is not None)
        if hashlib.sha256(encoded).hexdigest() != manifest.sha256:
            raise BrokenVersionError(f"version {version} is not what was written: its checksum differs")
        return decoded(encoded)

    def listed(self) -> list[Listed]:
        """Return all versions whose manifest can be read, in the order in which they were brought first."""
        put = self.last_put()
        in_force = None if put is None else put.version
        puts = []
        for key in self._entries:
            name = key.decode(errors="replace").removeprefix(_PREFIX)
            if key.startswith(_PREFIX.encode()) and "/" not in name:
                with suppress(BrokenVersionError):
                    puts.append(self._manifest(name).put)
        return [Listed(put, put.version == in_force) for put in sorted(puts, key=lambda put: put.at)]

    def candidates(self) -> list[str]:
        """Return what to put in force, best first: what is, what was before it, then what was brought last."""
        put = self.last_put()
        names = [] if put is None else [put.version, put.previous]
        names += [one.put.version for one in reversed(self.listed())]
        return [name for name in dict.fromkeys(names) if name]

    def surplus(self, wanted: str) -> list[Entry]:
        """Return what removes the oldest versions, where there are many: neither topic nor readers grow for ever.

        ``wanted`` is the version that comes into force now; what was before it stays, too.
        """
        put = self.last_put()
        kept = {wanted} if put is None else {wanted, put.version}
        size, entries = 0, list[Entry]()
        for number, one in enumerate(reversed(self.listed())):
            keys = [_part_key(one.put.version, part) for part in range(self._manifest(one.put.version).parts)]
            size += sum(len(self._entries.get(key, b"")) for key in keys)
            if (number >= KEPT_VERSIONS or size > KEPT_BYTES) and one.put.version not in kept:
                entries += [(key, None) for key in (*keys, f"{_PREFIX}{one.put.version}".encode())]
        return entries

    def named(self, beginning: str) -> str:
        """Return the version whose hash begins so; ``current`` is the one in force.

        Raises:
            BrokenVersionError: none does, or more than one.

        """
        if beginning == CURRENT.decode():
            put = self.current()
            if put is None:
                raise BrokenVersionError("no version is in force yet")
            return put.version
        found = [one.put.version for one in self.listed() if one.put.version.startswith(beginning)]
        if len(found) != 1:
            told = f"{len(found)} versions begin with {beginning!r}" if found else f"there is no version {beginning!r}"
            raise BrokenVersionError(f"{told}; `list` tells all")
        return found[0]

    def _manifest(self, version: str) -> _Manifest:
        value = self._entries.get(f"{_PREFIX}{version}".encode())
        if value is None:
            raise BrokenVersionError(f"there is no version {version}")
        try:
            return msgspec.json.decode(value, type=_Manifest)
        except msgspec.DecodeError as error:
            raise BrokenVersionError(f"version {version} cannot be read: {error}") from None


def _part_key(version: str, number: int) -> bytes:
    return f"{_PREFIX}{version}/{number}".encode()
