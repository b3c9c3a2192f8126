"""Pages that look: connections that read a dashboard's events as browsers do.

``python -m bench.looking PORT COUNT`` lets so many look until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Final

from bench.processes import EndedError

HOST: Final = "127.0.0.1"
FOR_EVER: Final = 86_400.0
LOOK_SECONDS: Final = 3.0


class Pages:
    """Pages that look: each a connection that reads events."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ages_ns: list[int] = []
        self.rows = self.told = self.open = 0

    async def look(self, count: int, seconds: float) -> None:
        """Let so many look for so long."""
        pages = [asyncio.create_task(self._page()) for _ in range(count)]
        await asyncio.sleep(seconds)
        for page in pages:
            page.cancel()
        for outcome in await asyncio.gather(*pages, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise EndedError(f"a page ended: {outcome!r}")

    async def wait_for_rows(self, seconds: float) -> None:
        """Look until something comes.

        Raises:
            EndedError: nothing has come within so many seconds.

        """
        deadline = time.monotonic() + seconds
        while not self.told:
            page = asyncio.create_task(self._page())
            await asyncio.wait([page], timeout=LOOK_SECONDS)
            page.cancel()
            await asyncio.gather(page, return_exceptions=True)  # the dashboard may not listen yet
            if time.monotonic() > deadline:
                raise EndedError(f"no transaction came to a page within {seconds:g} s")

    async def _page(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port, limit=1 << 22)
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        name, first = b"", True
        self.open += 1
        try:
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    name = line[7:].strip()
                elif line.startswith(b"data: ") and name == b"rows":
                    self._take(json.loads(line[6:]), first=first)
                    first = False
        finally:
            self.open -= 1
            writer.close()

    def _take(self, told: dict[str, Any], *, first: bool) -> None:
        if first:  # what was there before is as old as it is
            return
        now_ns = time.time_ns()
        self.ages_ns += [now_ns - row["at_ms"] * 1_000_000 for row in told["rows"]]
        self.rows += len(told["rows"])
        self.told += len(told["rows"]) + sum(told["more"].values())


if __name__ == "__main__":
    asyncio.run(Pages(int(sys.argv[1])).look(int(sys.argv[2]), FOR_EVER))
