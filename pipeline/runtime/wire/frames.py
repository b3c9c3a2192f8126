"""Requests as bytes and answers from bytes, on one connection: a length, a short header, and a message of the client's.

The client's parser makes an object of every header, and copies what comes five times. A transaction is four requests
and four answers, so that was a tenth of what one takes; the messages themselves stay the client's.
"""

from __future__ import annotations

import io
import struct
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka.errors import CorrelationIdError, InvalidReceiveError, KafkaProtocolError
from kafka.protocol.api_header import ResponseClassRegistry
from kafka.protocol.api_message import ApiMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE: Final = struct.Struct(">i")
_REQUEST: Final = struct.Struct(">hhih")  # the kind of message, its version, a number, the length of our name
_NO_TAGS: Final = b"\0"
_NUMBERS: Final = 1 << 31
_UNREADABLE: Final = (ValueError, IndexError, TypeError, struct.error)


class _Head:
    """Stands for a header that is written already, where the client would write one."""

    __slots__ = ("_written",)

    def __init__(self, written: bytes) -> None:
        self._written = written

    def encode(self, **_forms: bool) -> bytes:
        """Return it."""
        return self._written


class _Kind(NamedTuple):
    """Of a request's version: what decodes its answer, and with how many bytes an answer begins; 0: the client knows.

    Asked for by its names, as the client's registry does.
    """

    request_api_key: int
    request_api_version: int
    decode: Any
    parse_header: Any
    head_bytes: int


class Frames:
    """Numbers requests, and takes answers in the same order, in whatever pieces they come. Not thread-safe."""

    def __init__(self, client_id: str, versions: Any, most_bytes: int) -> None:  # noqa: ANN401 (no types)
        """Say that we are ``client_id`` to a broker of such versions, and take no answer that is longer."""
        name = client_id.encode()
        self._name, self._name_bytes = name, len(name)
        self._versions = versions
        self._most_bytes = most_bytes
        self._agreed: dict[tuple[type, int | None, int | None], int] = {}
        self._kinds: dict[tuple[type, int], _Kind] = {}
        self._number = 0
        self._expected: deque[tuple[int, _Kind]] = deque()
        self._pending = bytearray()  # of a length
        self._frame: bytearray | None = None
        self._filled = 0

    def written(self, request: Any) -> bytes | bytearray:  # noqa: ANN401 (messages of the client, here and below)
        """Return a request as bytes; its answer is expected behind those to the requests before.

        Raises:
            KafkaError: the broker does not know it in a version that we know.

        """
        version = request.API_VERSION
        if version is None:
            wanted = type(request), request._min_version, request._max_version  # noqa: SLF001 (there is no public way)
            version = self._agreed.get(wanted)
            if version is None:
                version = self._agreed[wanted] = self._versions.api_version(request)
            request.API_VERSION = version
        kind = self._kinds.get((type(request), version))
        if kind is None:
            kind = self._kinds[type(request), version] = _kind_of(request, version)
        self._number = number = (self._number + 1) % _NUMBERS
        head = _REQUEST.pack(kind.request_api_key, version, number, self._name_bytes) + self._name
        # The name of who asks is written in the old way for ever, and what is behind it in the new.
        flexible = request.flexible_version_q(version)
        request._header = _Head(head + _NO_TAGS if flexible else head)  # noqa: SLF001 (there is no public way)
        self._expected.append((number, kind))
        framed: bytearray = request.encode(framed=True, header=True)
        return framed

    def room(self) -> memoryview | None:
        """Return where the rest of an answer goes whose length is known; None where that has to come first."""
        return None if self._frame is None else memoryview(self._frame)[self._filled :]

    def filled(self, size: int) -> Any:  # noqa: ANN401
        """Return the answer whose rest has come: so many bytes of :meth:`room`; None where there is more of it."""
        self._filled += size
        if self._frame is None or self._filled < len(self._frame):
            return None
        frame, self._frame, self._filled = self._frame, None, 0
        return self._answer(frame)

    def took(self, data: bytes) -> Iterator[Any]:
        """Yield the answers that are whole with what has come; the begin of one more is kept.

        Raises:
            KafkaError: nobody asked for it, or it cannot be read.

        """
        if self._pending:
            data = bytes(self._pending) + data
            self._pending.clear()
        at, end = 0, len(data)
        while at < end:
            begin = at + _SIZE.size
            if begin > end:
                self._pending += data[at:]
                return
            (size,) = _SIZE.unpack_from(data, at)
            if not 0 <= size <= self._most_bytes:
                raise InvalidReceiveError(f"a frame of {size} bytes, and not up to {self._most_bytes}")
            at = begin + size
            if at > end:
                self._frame, self._filled = bytearray(size), end - begin
                self._frame[: end - begin] = data[begin:]
                return
            yield self._answer(data[begin:at])

    def _answer(self, frame: bytes | bytearray) -> Any:  # noqa: ANN401
        if not self._expected:
            raise CorrelationIdError("an answer to no request")
        number, kind = self._expected.popleft()
        if len(frame) < _SIZE.size or _SIZE.unpack_from(frame)[0] != number:
            raise CorrelationIdError(f"an answer that is not to request {number}")
        head_bytes = kind.head_bytes
        try:
            if head_bytes and (head_bytes == _SIZE.size or frame.startswith(_NO_TAGS, _SIZE.size)):
                return kind.decode(memoryview(frame)[head_bytes:])
            behind = io.BytesIO(frame)
            kind.parse_header(behind)
            return kind.decode(behind)
        except _UNREADABLE as error:
            message = f"an answer of kind {kind.request_api_key} in {len(frame)} bytes that cannot be read: {error}"
            raise KafkaProtocolError(message) from error


def _kind_of(request: Any, version: int) -> _Kind:  # noqa: ANN401
    asked = _Kind(request.API_KEY, version, None, None, 0)
    answer = ResponseClassRegistry.get_response_class(asked)
    if answer is None:
        raise KafkaProtocolError(f"no answer to {type(request).__name__} in version {version} is known")
    usual = answer.parse_header.__func__ is ApiMessage.parse_header.__func__
    head_bytes = (_SIZE.size + answer.flexible_version_q(version)) if usual else 0
    return asked._replace(decode=answer.decode, parse_header=answer.parse_header, head_bytes=head_bytes)
