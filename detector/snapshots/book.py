"""What stands in a topic of snapshots of one log, as far as its writer knows: what comes next, and what goes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.snapshots.records import Manifest, chunk_keys, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.rules.windows.gate import Known
    from detector.snapshots.records import Chunk, Log


class Book:
    """The newest snapshot of a shape that is there, the one before it, and keys that belong to neither.

    Two of them stay: the newest may come to harm. What belongs to neither goes when a newer one is there.
    """

    def __init__(self, log: Log, shape: str, newest: Manifest | None = None, keys: Iterable[bytes] = ()) -> None:
        """Begin with what was found: the snapshot that memory was made of, None for none, and all keys of the log."""
        self.log = log
        self.shape = shape
        self._standing = [] if newest is None else [newest]
        self._keys = {*keys, *(key for one in self._standing for key in keys_of(log, one))}

    @property
    def offset(self) -> int:
        """The offset of the newest snapshot; -1 where there is none."""
        return self._standing[-1].offset if self._standing else -1

    def anew(self, shape: str) -> Book:
        """Return a book of another memory of the log: what stands there now goes when the first snapshot is written."""
        return Book(self.log, shape, keys=self._keys)

    def begun(self, chunk: Chunk) -> None:
        """Note that a chunk is about to be written, whatever becomes of it."""
        self._keys.update(chunk_keys(self.log, self.shape, chunk))

    def next(self, offset: int, end: int, known: Known, changed: Iterable[Chunk]) -> Manifest:
        """Return the manifest of a snapshot at an offset: of the chunks that are new, and of the newest's others.

        ``end`` is the offset at which it was whole, and ``known`` what is to be told beside them.
        """
        before = {chunk.bucket: chunk for chunk in self._standing[-1].chunks} if self._standing else {}
        merged = before | {chunk.bucket: chunk for chunk in changed}
        chunks = [merged[bucket] for bucket in sorted(merged)]
        return Manifest(
            offset=offset,
            shape=self.shape,
            chunks=chunks,
            newest_us=known.newest_us,
            evicted_us=known.evicted_us,
            evictions=list(known.evictions),
            end=end,
            end_us=known.end_us,
            size=known.size,
        )

    def surplus(self, manifest: Manifest) -> list[bytes]:
        """Return the keys that are of no use any more once a snapshot is there, manifests first.

        A manifest goes before its chunks: who reads meanwhile does not take it for a broken one.
        """
        kept = {key for one in (*self._standing[-1:], manifest) for key in keys_of(self.log, one)}
        return sorted(self._keys - kept, key=lambda key: (b"/manifest/" not in key, key))

    def written(self, manifest: Manifest, removed: Iterable[bytes]) -> None:
        """Note that a snapshot is there, and what was removed behind it."""
        self._standing = [*self._standing[-1:], manifest]
        self._keys.update(keys_of(self.log, manifest))
        self._keys.difference_update(removed)
