"""A connection to one node that one thread has for itself: it asks, and waits for the answer.

kafka-python makes the connection, with TLS and SASL; from then on its network loop does not know of it any more.
"""

from __future__ import annotations

import select
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.wire.frames import Frames

if TYPE_CHECKING:
    import socket

READ_BYTES: Final = 64 * 1024
# Of how long a login is good for: then the line is made anew, before the broker cuts it.
LOGIN_SHARE: Final = 0.85
# How long a broker may take once it reads again from who has used up a quota.
UNMUTED_SECONDS: Final = 1.0


class Line:
    """Takes requests one behind the other, and gives back their answers in the same order. Not thread-safe.

    ``broken`` says whether it is of no use any more: after any error, since nobody could tell what was heard.
    ``used_at`` is when it was used last, in seconds of the monotonic clock.
    """

    def __init__(self, connection: Any, net: Any) -> None:  # noqa: ANN401 (a client without types)
        """Take over a connection of the client's that is made, and on which nothing is under way."""
        transport = connection.transport
        net.cancel(transport._read_task)  # noqa: SLF001 (there is no public way)
        login = connection._reauth  # noqa: SLF001
        if login.task is not None:
            net.cancel(login.task)
        lifetime = login.session_lifetime_ms / 1000
        self._good_until = time.monotonic() + LOGIN_SHARE * lifetime if lifetime else float("inf")
        self._connection = connection
        parser = connection.parser
        self._frames = Frames(parser._client_id, connection.broker_version_data, parser._max_frame_size)  # noqa: SLF001
        self._socket: socket.socket = transport._sock  # noqa: SLF001
        self._readable = select.poll()
        self._readable.register(self._socket.fileno(), select.POLLIN)
        self._answers: deque[Any] = deque()
        self._muted_until = float("-inf")
        self.broken = False
        self.used_at = time.monotonic()

    def ask(self, request: Any, deadline: float) -> Any:  # noqa: ANN401 (messages of the client)
        """Send a request and return its answer; ``deadline`` is a time of the monotonic clock.

        Raises:
            KafkaError: there is no answer; the line is broken.

        """
        self.send(request, deadline)
        return self.receive(deadline)

    def send(self, request: Any, deadline: float) -> None:  # noqa: ANN401 (as above)
        """Send a request; its answer is to be received.

        Raises:
            KafkaError: it could not be sent; the line is broken.

        """
        self._refuse_if_broken()
        data = self._frames.written(request)
        try:
            self._socket.settimeout(self._left(deadline))
            self._socket.sendall(data)
        except OSError as error:
            raise self._break(error, "sending") from error
        self.used_at = time.monotonic()

    def receive(self, deadline: float) -> Any:  # noqa: ANN401 (as above)
        """Return the next answer.

        Raises:
            KafkaError: none came, or none that can be read; the line is broken.

        """
        self._refuse_if_broken()
        while not self._answers:
            try:
                self._read(deadline)
            except OSError as error:
                raise self._break(error, "waiting for an answer") from error
            except KafkaError:
                self.close()
                raise
        self.used_at = time.monotonic()
        answer = self._answers.popleft()
        if muted_ms := getattr(answer, "throttle_time_ms", 0):
            self._muted_until = self.used_at + muted_ms / 1000
        return answer

    def _read(self, deadline: float) -> None:
        """Take what comes next: the rest of an answer goes where it belongs at once."""
        self._socket.settimeout(self._left(deadline))
        room = self._frames.room()
        if room is not None:
            size = self._socket.recv_into(room)
            answer = self._frames.filled(size)
            if answer is not None:
                self._answers.append(answer)
        else:
            data = self._socket.recv(READ_BYTES)
            size = len(data)
            self._answers.extend(self._frames.took(data))
        if not size:
            raise ConnectionResetError("end of stream")

    def look(self) -> bool:
        """Tell whether the line is good, while nothing is under way: a broker that went has closed it."""
        if self.broken:
            return False
        if self._is_quiet() and time.monotonic() < self._good_until:
            return True
        self.close()  # nobody asked for what came, if anything did
        return False

    def _is_quiet(self) -> bool:
        """Tell whether nothing came, not even the end."""
        came = bool(self._readable.poll(0))
        stream = self._socket
        if not isinstance(stream, ssl.SSLSocket):
            return not came
        if not came:
            return not stream.pending()
        try:  # it may be the protocol's own, such as a ticket for another session
            stream.settimeout(0)
            stream.recv(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            pass
        return False

    @property
    def number(self) -> int:
        """What the operating system knows it by: something can be read from it once an answer begins to come."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close it."""
        self.broken = True
        self._socket.close()

    def _left(self, deadline: float) -> float:
        """Return the seconds that are left; never 0, which would mean not to wait at all.

        A broker whose quota is used up answers at once, and then reads nothing for as long as the answer says.
        """
        return max(0.001, max(deadline, self._muted_until + UNMUTED_SECONDS) - time.monotonic())

    def _refuse_if_broken(self) -> None:
        if self.broken:
            raise KafkaConnectionError("the connection was broken before")

    def _break(self, error: OSError | None, doing: str) -> KafkaError:
        node = self._connection.node_id
        self.close()
        if isinstance(error, TimeoutError):
            return KafkaTimeoutError(f"node {node} took too long, {doing}")
        return KafkaConnectionError(f"node {node} closed the connection, {doing}: {error or 'end of stream'}")
