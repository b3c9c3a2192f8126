"""A bucket of keys as bytes: columns in MessagePack, compressed, with a checksum behind. Equal state, equal bytes.

Of each key of the plan: its values, their clocks, and for each series its columns, those of all values one behind
another. So a million series cost a few dozen arrays, and not millions of objects. What is rare (numbers beyond 64
bits, gaps, panes) stands beside the columns, by the number of its series.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from zlib import crc32

import msgspec
from lz4 import frame

from detector.rules.windows.doubt import Doubt

# To be raised whenever what stands in a chunk, or what a history means, is another than before.
FORMAT: Final = 2
CHECKSUM_BYTES: Final = 4
_NUMBER, _WHOLE, _TEXT = 1, 2, 3
_LOW, _HIGH = -(1 << 63), 1 << 63


class BrokenBucketError(ValueError):
    """Bytes are not what was packed."""


class ViewColumns(msgspec.Struct, array_like=True):
    """The series of one view, in the order of the key's values.

    ``chains`` are how many each value has (of several currencies), ``rows`` how many transactions each holds,
    ``scaled`` which of ``scales`` each has; these, ``times`` and ``cells`` are arrays of 16, 32 or 64 bits. ``gaps``,
    ``large`` (the cells of those whose numbers are beyond 64 bits, and their scales) and ``panes`` are by the number
    of a series.
    """

    chains: bytes
    currencies: list[str]
    rows: bytes
    scaled: bytes
    scales: list[list[int]]
    times: bytes
    cells: bytes
    texts: list[Any]
    gaps: dict[int, Any]
    large: dict[int, list[Any]]
    panes: dict[int, list[Any]]


class KeyColumns(msgspec.Struct, array_like=True):
    """The values of a key, their clocks, when they were seen, and their sizes as arrays of 64 bits, and their series.

    ``doubts`` are by the number of a value.
    """

    values: list[Any]
    clocks: bytes
    seen: bytes
    sizes: bytes
    views: list[ViewColumns]
    doubts: dict[int, Doubt]


def plain(value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
    """Return a value as MessagePack can have it."""
    kind = type(value)
    if kind is int:
        if _LOW <= value < _HIGH:
            return value
        return msgspec.msgpack.Ext(_WHOLE, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if kind is Decimal:
        return msgspec.msgpack.Ext(_NUMBER, str(value).encode())
    if kind is tuple:
        return [plain(one) for one in value]
    if kind is str and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return msgspec.msgpack.Ext(_TEXT, value.encode(errors="surrogatepass"))
    return value


def _extended(code: int, data: memoryview) -> Any:  # noqa: ANN401 (a value of any kind)
    if code == _NUMBER:
        return Decimal(bytes(data).decode())
    if code == _WHOLE:
        return int.from_bytes(data, "big", signed=True)
    return bytes(data).decode(errors="surrogatepass")


def hashable(value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
    """Return the value of a key as it was before :func:`plain`."""
    return tuple(map(hashable, value)) if type(value) is list else value


_DECODER: Final = msgspec.msgpack.Decoder(tuple[int, int, list[KeyColumns]], ext_hook=_extended)


def encoded(lost_us: int, keys: list[KeyColumns]) -> bytes:
    """Return a bucket's ``lost_us`` and the columns of all keys as bytes."""
    body: bytes = frame.compress(msgspec.msgpack.encode((FORMAT, lost_us, keys)))
    return body + crc32(body).to_bytes(CHECKSUM_BYTES, "big")


def decoded(chunk: bytes) -> tuple[int, list[KeyColumns]]:
    """Return the bucket's ``lost_us`` and the columns of all keys.

    Raises:
        BrokenBucketError: the bytes are not what was packed, or were by another format.

    """
    body, checksum = chunk[:-CHECKSUM_BYTES], chunk[-CHECKSUM_BYTES:]
    if crc32(body).to_bytes(CHECKSUM_BYTES, "big") != checksum:
        raise BrokenBucketError("its checksum differs")
    try:
        made_by, lost_us, keys = _DECODER.decode(frame.decompress(body))
    except (msgspec.DecodeError, RuntimeError) as error:
        raise BrokenBucketError(f"it cannot be read: {error}") from None
    if made_by != FORMAT:
        raise BrokenBucketError(f"it is of format {made_by}, and not {FORMAT}")
    return lost_us, keys
