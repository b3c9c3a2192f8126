"""Plays scenarios side by side: much of a fault is waiting. What a fault costs is not to be taken from here."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.chaos.ground import GROUNDS, Ground
from tests.chaos.playing import play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.result import Result
    from tests.chaos.scenarios import Scenario

LANES = 2
ENDS_WITHIN = 300.0


class Play(NamedTuple):
    """A scenario, and the way in which services move records meanwhile."""

    scenario: Scenario
    record_path: str


class Lanes:
    """Plays all of ``plays``, each once, for the time of a ``with`` block; each lane has Kafkas of its own.

    A lane plays on one Kafka for as long as there is anything to play on its like, then on the next. Where the block
    ends early, what is being played is brought to its end, and nothing more begins.
    """

    def __init__(self, plays: Iterable[Play], kills: int, seed: int) -> None:
        self._kills, self._seed = kills, seed
        self._results: dict[Play, Future[Result]] = {one: Future() for one in plays}
        self._waiting = {kind: deque(one for one in self._results if one.scenario.ground == kind) for kind in GROUNDS}
        self._ended = threading.Event()
        self._lanes = [
            threading.Thread(target=self._play, args=(number,), name=f"lane-{number}") for number in range(LANES)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Bring what is being played to its end."""
        self._ended.set()
        for lane in self._lanes:
            lane.join(ENDS_WITHIN)

    def result(self, play_: Play, within: float) -> Result:
        """Return how it went, as soon as it is over.

        Raises:
            TimeoutError: it is not over within so many seconds.

        """
        return self._results[play_].result(within)

    def _play(self, number: int) -> None:
        kinds = list(GROUNDS)
        # Each lane begins with another kind of Kafka.
        for kind in kinds[number:] + kinds[:number]:
            if not self._waiting[kind]:
                continue
            try:
                with GROUNDS[kind]() as ground:
                    self._play_on(ground, kind)
            except BaseException as error:  # noqa: BLE001 (whoever waits for a result gets it)
                for one in self._waiting[kind]:
                    self._results[one].set_exception(error)
                self._waiting[kind].clear()

    def _play_on(self, ground: Ground, kind: str) -> None:
        while not self._ended.is_set():
            try:
                one = self._waiting[kind].popleft()
            except IndexError:
                return
            result = self._results[one]
            try:
                length = one.scenario.length(self._kills)
                result.set_result(play(one.scenario, ground, length, self._seed, record_path=one.record_path))
            except BaseException as error:  # noqa: BLE001 (whoever waits for the result gets it)
                result.set_exception(error)
