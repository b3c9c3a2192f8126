"""What a topic of snapshots holds of one log, as far as it was read: the newest snapshot that is whole counts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from detector.snapshots.records import BrokenSnapshotError, Manifest, chunk_keys, manifest_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.snapshots.records import Chunk, Log


class Shelf:
    """Takes the records of a topic in their order; of each key the last counts."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._prefix = log.prefix()
        self._entries: dict[bytes, bytes] = {}

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Take a record, which may be about another log; None for a value removes the key."""
        if key is None or not key.startswith(self._prefix):
            return
        if value is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = value

    def keys(self) -> set[bytes]:
        """Return all keys of the log."""
        return set(self._entries)

    def manifests(self, shape: str, most: int) -> list[Manifest]:
        """Return those of a shape that know the log up to an offset at most, the newest first; they may be broken."""
        found = (manifest_in(self._log, key, value) for key, value in self._entries.items())
        fitting = [one for one in found if one is not None and one.shape == shape and one.reach <= most]
        return sorted(fitting, key=lambda one: one.offset, reverse=True)

    def check(self, manifest: Manifest) -> None:
        """Look whether all of a snapshot is there as it was written.

        Raises:
            BrokenSnapshotError: it is not.

        """
        for chunk in manifest.chunks:
            self.packed(manifest.shape, chunk)

    def chunks(self, manifest: Manifest) -> Iterator[tuple[int, bytes]]:
        """Yield each bucket with what was packed of it.

        Raises:
            BrokenSnapshotError: it is not there as it was written.

        """
        for chunk in manifest.chunks:
            yield chunk.bucket, self.packed(manifest.shape, chunk)

    def packed(self, shape: str, chunk: Chunk) -> bytes:
        """Return what was packed of a bucket.

        Raises:
            BrokenSnapshotError: it is not there as it was written.

        """
        parts = [self._entries.get(key) for key in chunk_keys(self._log, shape, chunk)]
        packed = b"".join(part for part in parts if part is not None)
        if (len(packed), crc32(packed)) != (chunk.size, chunk.checksum):
            state = "is not there" if None in parts else "is not what was written: its checksum differs"
            raise BrokenSnapshotError(f"bucket {chunk.bucket} at offset {chunk.offset} {state}")
        return packed
