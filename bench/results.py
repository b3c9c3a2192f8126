"""What was measured, as it stands in the JSON file. Pure.

Rates are records a second, times of a record microseconds of processor time, memory MiB, latencies milliseconds,
and shares of a core per cent.
"""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import msgspec


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """One round over a backlog, from the first commit to the last: ``records`` are those in between."""

    records: int
    seconds: float
    cpu_us: float
    peak_mib: float

    @property
    def per_second(self) -> float:
        """Return the rate."""
        return self.records / self.seconds


class Spread(NamedTuple):
    """Least, middle and greatest of several rounds."""

    least: float
    middle: float
    greatest: float


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """All rounds of a subject over a backlog of ``backlog`` records. ``failure`` says why there are none, or fewer."""

    subject: str
    told: str
    backlog: int
    rounds: list[Drained] = []
    failure: str = ""

    @property
    def rate(self) -> Spread:
        """Return the records a second."""
        return spread([one.per_second for one in self.rounds])

    @property
    def cpu_us(self) -> Spread:
        """Return the processor time of a record."""
        return spread([one.cpu_us for one in self.rounds])

    @property
    def peak_mib(self) -> float:
        """Return the greatest memory of all rounds."""
        return max(one.peak_mib for one in self.rounds)


class Delayed(msgspec.Struct, frozen=True, kw_only=True):
    """One round of latency: ``percentiles`` by name, ``unseen`` records that never arrived, ``cpu`` by process.

    ``late_ms`` is by how much the load itself was late at worst, which the latencies contain.
    """

    count: int
    unseen: int
    percentiles: dict[str, float]
    cpu: dict[str, float]
    late_ms: float


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """All rounds of a subject at a rate. ``until`` says what ended the clock of a record."""

    subject: str
    until: str
    rate: float
    rate_told: str
    rounds: list[Delayed] = []
    failure: str = ""

    def middle(self, percentile: str) -> float:
        """Return the median over the rounds in which anything arrived."""
        return median(one.percentiles[percentile] for one in self.rounds if one.percentiles)

    @property
    def cpu(self) -> dict[str, float]:
        """Return the median share of a core by process."""
        names = dict.fromkeys(name for one in self.rounds for name in one.cpu)
        return {name: median(one.cpu[name] for one in self.rounds if name in one.cpu) for name in names}


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it ran on. ``load_before`` is the load average of a minute at the begin: near 0 on a quiet machine.

    ``code`` tells whether the innermost loop was compiled (see ADR 10).
    """

    cores: int
    processor: str
    memory_gib: float
    system: str
    python: str
    kafka: str
    client: str
    load_before: float
    code: str = "interpreted"


class Measured(msgspec.Struct, kw_only=True):
    """All of a run. ``lengths`` are of one subject over several backlogs."""

    command: str
    day: str
    machine: Machine
    throughput: list[Throughput] = []
    lengths: list[Throughput] = []
    latency: list[Latency] = []


def spread(values: list[float]) -> Spread:
    """Return the spread of at least one value."""
    return Spread(min(values), median(values), max(values))
