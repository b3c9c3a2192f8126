"""Keys of commits as Kafka writes them."""

from __future__ import annotations

import struct


def key_of(group: str, topic: str, partition: int, version: int = 1) -> bytes:
    """Return the key of a commit as Kafka writes it."""
    texts = b"".join(struct.pack(">h", len(text)) + text.encode() for text in (group, topic))
    return struct.pack(">h", version) + texts + struct.pack(">i", partition)
