"""Carries a plan out: rounds in turn, one of each subject after the other, so that a busy minute hits all alike."""

from __future__ import annotations

import dataclasses
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bench.backlog import fill
from bench.environments import compiled_sources, interpreter_for
from bench.latency import delays
from bench.processes import EndedError
from bench.results import Delayed, Drained, Latency, Measured, Throughput
from bench.subjects import COMPILED, OURS, PEER_SUBJECTS, PIPELINE, RECORDS, Subject, scaled
from bench.throughput import drain
from compiling.commands import CommandError
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.plan import Plan

MAXIMUM_SHARE: Final = 0.7
WARM_RECORDS: Final = 200_000
ONE_RATE: Final = 1_000.0
UNTIL_READABLE: Final = "output readable"
UNTIL_SETTLED: Final = "processors' commit"
FAILURES: Final = (EndedError, KafkaError, PipelineError, TimeoutError)


@dataclasses.dataclass
class _Series:
    """Rounds of one thing: what a round does and what became of those so far."""

    name: str
    play: Callable[[], Drained | Delayed]
    rounds: list[Drained | Delayed] = dataclasses.field(default_factory=list)
    failure: str = ""


class Measuring:
    """One run on a broker. ``tell`` is given what is going on, ``keep`` is called after every round."""

    def __init__(
        self, bootstrap: str, plan: Plan, measured: Measured, tell: Callable[[str], None], keep: Callable[[], None]
    ) -> None:
        self._bootstrap = bootstrap
        self._plan = plan
        self._measured = measured
        self._tell = tell
        self._keep = keep
        self._backlogs: dict[int, str] = {}
        self._missing: dict[str, str] = {}

    def run(self) -> None:
        """Measure all that the plan asks for; what fails is noted with its reason and not tried again."""
        compiled = [self._compiled()] if self._plan.compiled else []
        peers = [self._installed(peer) for peer in PEER_SUBJECTS] if self._plan.peers else []
        if "throughput" in self._plan.parts:
            replicas = [scaled(self._plan.replicas)] if self._plan.replicas > 1 else []
            self._throughput([OURS, *compiled, RECORDS, *replicas, PIPELINE, *peers])
        elif "latency" in self._plan.parts:
            self._throughput([OURS, PIPELINE])  # a part of their maximum is one of the loads
        # Long backlogs last: gigabytes that are still being written to the disk would stand in what comes behind them.
        if "latency" in self._plan.parts:
            os.sync()
            self._latency([*compiled, *peers])
        if "lengths" in self._plan.parts:
            self._lengths()

    def _compiled(self) -> Subject:
        return self._ready(COMPILED, "compiled", lambda: dataclasses.replace(COMPILED, folder=compiled_sources()))

    def _installed(self, peer: Subject) -> Subject:
        assert peer.script is not None  # noqa: S101 (every peer is a script)
        pins = peer.script.with_suffix(".txt")
        return self._ready(peer, "installed", lambda: dataclasses.replace(peer, interpreter=interpreter_for(pins)))

    def _ready(self, subject: Subject, becomes: str, make: Callable[[], Subject]) -> Subject:
        """Return what can be started; where it could not be made so, that is told in the place of its figures."""
        self._tell(f"{subject.name} is being {becomes}")
        try:
            return make()
        except CommandError as error:
            self._missing[subject.name] = f"could not be {becomes}: {error}"
            return subject

    def _throughput(self, subjects: list[Subject]) -> None:
        sizes = {subject.name: max(1, round(self._plan.records * subject.share)) for subject in subjects}
        series = [self._drains(subject, sizes[subject.name]) for subject in subjects]

        def store() -> None:
            self._measured.throughput = [
                _throughput_of(subject.name, subject.told, sizes[subject.name], one)
                for subject, one in zip(subjects, series, strict=True)
            ]

        # Java compiles what it runs often: the first round would pay for all others.
        self._tell("warming up")
        with suppress(*FAILURES):
            self._drains(OURS, min(WARM_RECORDS, self._plan.records)).play()
        self._play(series, self._plan.rounds, store)

    def _lengths(self) -> None:
        series = [self._drains(OURS, length) for length in self._plan.lengths]

        def store() -> None:
            self._measured.lengths = [
                _throughput_of(OURS.name, OURS.told, length, one)
                for length, one in zip(self._plan.lengths, series, strict=True)
            ]

        self._play(series, self._plan.length_rounds, store)

    def _latency(self, others: list[Subject]) -> None:
        cases = [(subject, rate, f"{rate:,.0f}/s") for rate in self._plan.rates for subject in (OURS, PIPELINE)]
        cases += [(other, ONE_RATE, f"{ONE_RATE:,.0f}/s") for other in others]
        for subject in (OURS, PIPELINE):
            rate = self._maximum(subject) * MAXIMUM_SHARE
            cases.append((subject, rate, f"{MAXIMUM_SHARE:.0%} of its maximum{f': {rate:,.0f}/s' if rate else ''}"))
        series = [self._delays(subject, rate, told) for subject, rate, told in cases]

        def store() -> None:
            self._measured.latency = [
                Latency(
                    subject=subject.name,
                    until=UNTIL_SETTLED if subject.to_the_end else UNTIL_READABLE,
                    rate=rate,
                    rate_told=told,
                    rounds=[each for each in one.rounds if isinstance(each, Delayed)],
                    failure=one.failure,
                )
                for (subject, rate, told), one in zip(cases, series, strict=True)
            ]

        self._play(series, self._plan.latency_rounds, store)

    def _maximum(self, subject: Subject) -> float:
        """Return the median rate that this run has found; 0 where it was not measured."""
        found = [one for one in self._measured.throughput if one.subject == subject.name and one.rounds]
        return found[0].rate.middle if found else 0.0

    def _drains(self, subject: Subject, records: int) -> _Series:
        name = f"{subject.name} over {records:,}"

        def play() -> Drained:
            if records not in self._backlogs:
                self._backlogs[records] = fill(self._bootstrap, records, self._tell)
            return drain(self._bootstrap, subject, self._backlogs[records], records, self._teller(name))

        return _Series(name, play, failure=self._missing.get(subject.name, ""))

    def _delays(self, subject: Subject, rate: float, told: str) -> _Series:
        name = f"{subject.name} at {told}"
        seconds = self._plan.seconds

        def play() -> Delayed:
            return delays(self._bootstrap, subject, rate, seconds, self._teller(name))

        unknown = "" if rate else "its maximum was not measured in this run"
        return _Series(name, play, failure=self._missing.get(subject.name, unknown))

    def _play(self, series: list[_Series], rounds: int, store: Callable[[], None]) -> None:
        for number in range(1, rounds + 1):
            for one in series:
                if not one.failure:
                    self._tell(f"round {number} of {rounds}: {one.name}")
                    try:
                        one.rounds.append(one.play())
                    except FAILURES as error:
                        one.failure = str(error) or type(error).__name__
                store()
                self._keep()

    def _teller(self, name: str) -> Callable[[str], None]:
        return lambda told: self._tell(f"{name}: {told}")


def _throughput_of(name: str, told: str, backlog: int, series: _Series) -> Throughput:
    rounds = [each for each in series.rounds if isinstance(each, Drained)]
    return Throughput(subject=name, told=told, backlog=backlog, rounds=rounds, failure=series.failure)
