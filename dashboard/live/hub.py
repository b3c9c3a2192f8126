"""From one fold to many pages: each tick is made once for all pages that want the same, and queued for each.

A page that does not keep up is not buffered for: what it missed is counted, and it is told how much that was.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from dashboard.live.fold import Fold
from dashboard.live.recent import Filter, Positions, Recent, told
from dashboard.live.row import BRANCHES, FRAUD
from pipeline.runtime import clock
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dashboard.live.row import Row

TICK_SECONDS: Final = 0.25
SHOWN_A_TICK: Final = 5  # rows; a steady twenty a second, and the rest is counted
AGAIN_SECONDS: Final = 5  # points of the charts that are told once more: rows come when they are judged
CAUGHT_UP_ROWS: Final = 100  # of what a page missed while it was away
QUEUED: Final = 8  # events a page may be behind
MOST_PAGES: Final = 500
MOST_FILTERS: Final = 50  # different ones at a time

_encode: Final = msgspec.json.Encoder().encode


class Event(NamedTuple):
    """What a page is sent: ``id`` is where it goes on after a break, empty where that stays as it was."""

    name: str
    data: str
    id: str = ""


class TooManyError(Exception):
    """There are as many pages, or different filters, as the dashboard takes."""


@dataclass(eq=False, slots=True)
class Page:
    """One that looks. ``missed`` is how many rows by branch it could not take, and has not been told of yet."""

    wanted: Filter
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(QUEUED))
    missed: Counter[str] = field(default_factory=Counter)
    missed_by_all: Counter[str] = field(default_factory=Counter)

    def put(self, event: Event, rows: Mapping[str, int]) -> None:
        """Queue an event for it, or count what it misses; ``rows`` is how many there are by branch."""
        if not self.queue.full():
            self.queue.put_nowait(event)
            return
        self.missed.update(rows)
        self.missed_by_all.update(rows)

    def clear(self) -> None:
        """Forget what is queued: the page is told all of it in another way."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.missed.clear()

    def take_missed(self) -> dict[str, int]:
        """Return what it missed, and forget it."""
        missed, self.missed = dict(self.missed), Counter()
        return missed


class Hub:
    """Takes rows from the thread that follows the topics; all else is for the event loop of the server.

    ``extra`` returns what else the page is told once a second.
    """

    def __init__(self, extra: Callable[[], dict[str, Any]], now_ms: Callable[[], int] | None = None) -> None:
        self._extra = extra
        self._now_ms = now_ms or clock.now_ms
        self._lock = threading.Lock()  # of what both threads touch: fold, recent, new
        self._fold, self._recent = Fold(), Recent()
        self._new: list[Row] = []  # of the next tick
        self._ticked: Positions = {}  # behind what came before that
        self.ready = False
        self.ended = False
        self._pages: dict[Filter, set[Page]] = {}
        self._glanced = 0
        self._taken: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()

    def figures_of_service(self) -> Iterator[Figure]:
        """Return how many look, and at how much; for another thread."""
        yield Figure(metrics.PAGES, sum(map(len, list(self._pages.values()))))
        for branch, count in dict(self._taken).items():
            yield Figure(metrics.ROWS, count, (branch,))
        yield Figure(metrics.MISSED, sum(dict(self._missed).values()))

    def take(self, rows: list[Row], live: bool) -> None:  # noqa: FBT001 (as Following calls it)
        """Take what has come."""
        now_ms = self._now_ms()
        with self._lock:
            for row in rows:
                self._fold.take(row, now_ms, live=live)
                self._recent.take(row)
            self._taken.update(row.branch for row in rows)
            if live:
                self._new += rows
            else:
                self._pass(rows)
            self.ready = self.ready or live

    def _pass(self, rows: list[Row]) -> None:
        """Note that rows are in no tick that is yet to come."""
        for row in rows:
            self._ticked[row.topic, row.partition] = row.offset + 1

    def open(self, wanted: Filter) -> Page:
        """Begin to queue events for a page.

        Raises:
            TooManyError: there are enough.

        """
        pages = sum(map(len, self._pages.values()))
        if pages >= MOST_PAGES or (wanted not in self._pages and len(self._pages) >= MOST_FILTERS):
            raise TooManyError
        page = Page(wanted, missed_by_all=self._missed)
        self._pages.setdefault(wanted, set()).add(page)
        return page

    def close(self, page: Page) -> None:
        """End that."""
        same = self._pages.get(page.wanted, set())
        same.discard(page)
        if not same:
            self._pages.pop(page.wanted, None)

    def end(self) -> None:
        """Let all pages go, each behind its next event, of which there is one a second; for any thread."""
        self.ended = True

    def figures(self) -> list[Event]:
        """Return the charts and figures as they stand."""
        now_ms = self._now_ms()
        with self._lock:
            history, glance = self._fold.history(now_ms), self._fold.glance(now_ms)
        return [Event("history", _encode(history).decode()), self._glance(glance)]

    def rules(self) -> dict[str, Any]:
        """Return how often each rule hit lately, by how its hits count, and what judged the last fraud; any thread."""
        now_ms = self._now_ms()
        with self._lock:
            return {"hits": self._fold.hits(now_ms), "judged": msgspec.to_builtins(self._fold.judged)}

    def rows(self, wanted: Filter, seen: Positions | None) -> Event:
        """Return the latest rows, or those that a page has not ``seen`` yet; what comes in the next tick is not there.

        It is the whole truth where the hub is ``ready``: what was there at the beginning has been read.
        """
        with self._lock:
            positions = dict(self._ticked)
            found = self._recent.between(seen or {}, positions, wanted)
            missed, is_all = (Counter[str](), True) if seen is None else self._recent.left(seen, positions, wanted)
        if seen is not None:
            missed.update(row.branch for row in found[:-CAUGHT_UP_ROWS])
        return _rows_event(found[-CAUGHT_UP_ROWS:], missed, positions, fresh=seen is None, gap=not is_all)

    async def run(self) -> None:
        """Send ticks until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Queue what has come since the last one, and once a second the figures."""
        now_ms = self._now_ms()
        with self._lock:
            new, self._new = self._new, []
            self._pass(new)
            positions = dict(self._ticked)
            second = now_ms // 1000
            glanced = second == self._glanced
            glance = None if glanced else self._fold.glance(now_ms)
            last = [] if glanced else self._fold.history(now_ms, AGAIN_SECONDS)
        if glance is not None:
            self._glanced = second
            events = [self._glance(glance), Event("second", _encode(last).decode())]
            for page in self._all():
                for event in events:
                    page.put(event, {})
        for wanted, pages in self._pages.items():
            rows = [row for row in new if wanted.passes(row)] if wanted != Filter() else new
            if not rows and not any(page.missed for page in pages):
                continue
            shown = _chosen(rows)
            counts = Counter(row.branch for row in rows)
            more = counts - Counter(row.branch for row in shown)
            event = _rows_event(shown, more, positions, fresh=False)
            for page in pages:
                if page.missed and not page.queue.full():
                    page.put(_rows_event(shown, more + page.missed, positions, fresh=False), counts)
                    page.take_missed()
                else:
                    page.put(event, counts)

    def _glance(self, glance: Any) -> Event:  # noqa: ANN401 (a Glance)
        return Event("glance", _encode({**msgspec.to_builtins(glance), **self._extra()}).decode())

    def _all(self) -> Iterator[Page]:
        for pages in self._pages.values():
            yield from pages


def _chosen(rows: list[Row]) -> list[Row]:
    """Return the rows of a tick that are shown: frauds before others, the latest of each, in the order they came."""
    if len(rows) <= SHOWN_A_TICK:
        return rows
    frauds = [number for number, row in enumerate(rows) if row.branch == FRAUD][-SHOWN_A_TICK:]
    others = [number for number, row in enumerate(rows) if row.branch != FRAUD]
    room = SHOWN_A_TICK - len(frauds)
    return [rows[number] for number in sorted(frauds + (others[-room:] if room else []))]


def _rows_event(
    rows: list[Row], more: Mapping[str, int], positions: Positions, *, fresh: bool, gap: bool = False
) -> Event:
    """Return rows as an event; ``more`` were there by branch and are not among them, ``fresh`` begins anew.

    ``gap``: there may have been more than that.
    """
    body = {"rows": rows, "more": {branch: more.get(branch, 0) for branch in BRANCHES}, "fresh": fresh, "gap": gap}
    return Event("rows", _encode(body).decode(), told(positions.items()))
