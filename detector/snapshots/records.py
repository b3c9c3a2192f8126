"""How snapshots stand in their topic: chunks of buckets in parts, and manifests that name them. Pure.

``<topic>/<its id>/<partition>/<shape>/bucket/<bucket>/<offset>/<part>`` holds a part of what is remembered of a bucket
once all records below that offset were taken in, ``.../manifest/<offset>`` says which chunks make up the whole. Behind
the chunk of a bucket nothing came for it up to the offset of the manifest, or it is the chunk's offset that is later:
then the bucket knows what came between already.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from detector.rules.windows.gate import Known

# Below what a topic takes at the least, 1 MiB.
PART_BYTES: Final = 512 * 1024

Entry = tuple[bytes, bytes | None]  # a key and its value; None removes it


class BrokenSnapshotError(Exception):
    """A snapshot is not there as a whole, or not as it was written."""


class Log(NamedTuple):
    """A partition of a topic, by the id that Kafka gave the topic: one that is made anew has another."""

    topic: str
    topic_id: str
    partition: int

    def prefix(self) -> bytes:
        """Return what all keys of it begin with."""
        return f"{self.topic}/{self.topic_id}/{self.partition}/".encode()


class Chunk(NamedTuple):
    """A bucket as it was packed at an offset; ``size`` in bytes, ``checksum`` a CRC-32 of them."""

    bucket: int
    offset: int
    size: int
    checksum: int

    @classmethod
    def of(cls, bucket: int, offset: int, packed: bytes) -> Chunk:
        """Return what is told of a bucket that was packed."""
        return cls(bucket, offset, len(packed), crc32(packed))


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Which chunks are all that is remembered of a log at ``offset``; of another ``shape``, it is of other rules.

    The rest is what else was known of it there and at ``end``, when all chunks were packed: see
    :class:`~detector.rules.windows.gate.Known`.
    """

    offset: int
    shape: str
    chunks: list[Chunk]
    newest_us: int
    evicted_us: int
    evictions: list[tuple[int, int]]
    end: int
    end_us: int
    size: int

    @property
    def reach(self) -> int:
        """The offset up to which any of it knows the log."""
        return max([self.end, *(chunk.offset for chunk in self.chunks)])

    def known(self) -> Known:
        """Return what it knows beside its chunks."""
        opens = {chunk.bucket: chunk.offset for chunk in self.chunks if chunk.offset > self.offset}
        return Known(self.newest_us, self.evicted_us, self.evictions, self.end_us, self.size, opens)


def manifest_key(log: Log, shape: str, offset: int) -> bytes:
    """Return the key of a manifest."""
    return log.prefix() + f"{shape}/manifest/{offset}".encode()


def manifest_in(log: Log, key: bytes, value: bytes) -> Manifest | None:
    """Return the manifest that a record of a log holds; None where it is something else, or cannot be read."""
    parts = key.removeprefix(log.prefix()).split(b"/")
    if len(parts) != 3 or parts[1] != b"manifest":  # noqa: PLR2004 (the shape, the word, the offset)
        return None
    try:
        found = msgspec.json.decode(value, type=Manifest)
    except msgspec.DecodeError:
        return None
    return found if key == manifest_key(log, found.shape, found.offset) else None


def keys_of(log: Log, manifest: Manifest) -> list[bytes]:
    """Return the keys of a snapshot: of all its chunks, and of the manifest last."""
    found = [key for chunk in manifest.chunks for key in chunk_keys(log, manifest.shape, chunk)]
    return [*found, manifest_key(log, manifest.shape, manifest.offset)]


def chunk_keys(log: Log, shape: str, chunk: Chunk) -> list[bytes]:
    """Return the keys of a chunk's parts, in their order."""
    begin = log.prefix() + f"{shape}/bucket/{chunk.bucket}/{chunk.offset}/".encode()
    return [begin + str(part).encode() for part in range(max(1, -(-chunk.size // PART_BYTES)))]


def chunk_entries(log: Log, shape: str, chunk: Chunk, packed: bytes) -> list[Entry]:
    """Return the records of a chunk."""
    keys = chunk_keys(log, shape, chunk)
    return [(key, packed[at * PART_BYTES : (at + 1) * PART_BYTES]) for at, key in enumerate(keys)]


def manifest_entry(log: Log, manifest: Manifest) -> Entry:
    """Return the record of a manifest, to be written when all chunks that it names are there."""
    return manifest_key(log, manifest.shape, manifest.offset), msgspec.json.encode(manifest)
