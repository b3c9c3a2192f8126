"""A TCP proxy on loopback that can be slow, reset connections, or swallow everything: a network that misbehaves."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress
from typing import Self

HOST = "127.0.0.1"
CHUNK = 64 * 1024
STARTED_WITHIN = 10.0


class Proxy:
    """Listens on ``port`` and forwards to ``target``, the port of a broker, which may be set later.

    ``latency`` delays every chunk of bytes, each way, by so many seconds. ``resets`` is the share of chunks that reset
    their connection instead. While ``silent``, connections are accepted and stay open, and no byte passes.
    """

    def __init__(self, port: int, seed: int = 0) -> None:
        self.port = port
        self.target = 0
        self.latency = 0.0
        self.resets = 0.0
        self.broken = 0
        self._chance = random.Random(seed)  # noqa: S311 (no secret)
        self._passing: asyncio.Event | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(STARTED_WITHIN)
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and stop listening."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(STARTED_WITHIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STARTED_WITHIN)
        self._loop.close()

    def silence(self) -> None:
        """Let no byte pass from now on, either way, on old and new connections."""
        self._loop.call_soon_threadsafe(self._event().clear)

    def speak(self) -> None:
        """Let bytes pass again; those that were held back come first."""
        self._loop.call_soon_threadsafe(self._event().set)

    def cut(self) -> None:
        """Break every connection that there is; new ones are taken."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def calm(self) -> None:
        """Be a network like any other again."""
        self.latency = self.resets = 0.0
        self.speak()

    def _event(self) -> asyncio.Event:
        if self._passing is None:
            raise RuntimeError("the proxy does not listen yet")
        return self._passing

    async def _listen(self) -> None:
        self._passing = asyncio.Event()
        self._passing.set()
        self._server = await asyncio.start_server(self._accept, HOST, self.port)

    async def _close(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        self._abort_all()

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        back: asyncio.StreamWriter | None = None
        try:
            await self._event().wait()
            from_broker, back = await asyncio.open_connection(HOST, self.target)
            self._writers.add(back)
            ways = [asyncio.create_task(self._pass(*way)) for way in ((reader, back), (from_broker, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        except OSError:
            pass  # the broker is away: so is the connection
        finally:
            for end in (writer, back):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self.resets and self._chance.random() < self.resets:
                    self.broken += 1
                    return
                if self.latency:
                    await asyncio.sleep(self.latency)
                await self._event().wait()
                writer.write(chunk)
                await writer.drain()
