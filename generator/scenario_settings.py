"""What the made-up transactions are like, and how fast simulated time goes by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from generator.scenarios.frauds import MOST_CASES, USUAL_CASES
from generator.scenarios.realistic import LEAST_A_DAY, MOST_A_SECOND
from pipeline.contracts.formats import TransferFormat
from pipeline.runtime import parsing
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.settings import TRANSACTION_FORMAT

if TYPE_CHECKING:
    from datetime import datetime

DAY_SECONDS: Final = 86_400

UNIFORM: Final = "uniform"
REALISTIC: Final = "realistic"

TRANSACTIONS_PER_SECOND = Variable(
    "TRANSACTIONS_PER_SECOND",
    parsing.number_above_zero,
    "10",
    "How many transactions to send a second, on average; 0.1 is one in ten seconds.",
)
GENERATOR_SCENARIO = Variable(
    "GENERATOR_SCENARIO",
    parsing.choice(UNIFORM, REALISTIC),
    UNIFORM,
    "What transactions are like: uniform (all equally likely) or realistic (transfers alone: a population with habits, "
    "frauds among it, and labels of them; see docs/scenarios.md).",
)
GENERATOR_TIME_SCALE = Variable(
    "GENERATOR_TIME_SCALE",
    parsing.number_above_zero,
    "1",
    "How many simulated seconds a second has, with the realistic scenario: 1440 lets a day pass in a minute.",
)
GENERATOR_START = Variable(
    "GENERATOR_START",
    parsing.optional(parsing.moment),
    "",
    "Where simulated time begins, such as 2026-01-31T08:00:00Z; empty: now, or 52 weeks ago with a time scale above 1.",
)
GENERATOR_FRAUD_CASES = Variable(
    "GENERATOR_FRAUD_CASES",
    parsing.whole_number(0, MOST_CASES),
    str(USUAL_CASES),
    f"How many cases of fraud begin in 10,000 transactions of the realistic scenario, of all kinds: 0 to {MOST_CASES}. "
    "A case is one transaction to some sixty.",
)

VARIABLES = (GENERATOR_SCENARIO, GENERATOR_FRAUD_CASES, GENERATOR_TIME_SCALE, GENERATOR_START)


@dataclass(frozen=True, slots=True)
class ScenarioSettings:
    """``fraud_cases`` are in 10,000 transactions, ``time_scale`` is in simulated seconds a second.

    ``start`` is None where the default is taken.
    """

    name: str
    fraud_cases: int
    time_scale: float
    start: datetime | None
    per_second: float

    @classmethod
    def read(cls, env: Environment) -> ScenarioSettings:
        """Read the variables, which must fit each other and the format."""
        read = cls(
            name=env.read(GENERATOR_SCENARIO),
            fraud_cases=env.read(GENERATOR_FRAUD_CASES),
            time_scale=env.read(GENERATOR_TIME_SCALE),
            start=env.read(GENERATOR_START),
            per_second=env.read(TRANSACTIONS_PER_SECOND),
        )
        if read.name == UNIFORM:
            read._check_uniform(env)
        else:
            read._check_format(env)
            read._check_pace(env)
        return read

    @property
    def pace_seconds(self) -> float:
        """Return how much simulated time passes between two transactions, on average."""
        return self.time_scale / self.per_second

    def _check_uniform(self, env: Environment) -> None:
        needs = f"needs {GENERATOR_SCENARIO.name}={REALISTIC}"
        if self.fraud_cases != USUAL_CASES:
            env.reject(GENERATOR_FRAUD_CASES, f"{needs}: no fraud is added to uniform transactions")
        for variable, unset in ((GENERATOR_TIME_SCALE, self.time_scale == 1), (GENERATOR_START, self.start is None)):
            if not unset:
                env.reject(variable, f"{needs}: uniform transactions are of now")

    def _check_format(self, env: Environment) -> None:
        if env.read(TRANSACTION_FORMAT) != TransferFormat.name:
            env.reject(
                GENERATOR_SCENARIO,
                f"{REALISTIC} is there for transfers alone, since payments do not say who pays: set "
                f"{TRANSACTION_FORMAT.name}={TransferFormat.name} "
                f"or {GENERATOR_SCENARIO.name}={UNIFORM}",
            )

    def _check_pace(self, env: Environment) -> None:
        a_second, least = self.per_second / self.time_scale, LEAST_A_DAY / DAY_SECONDS
        if a_second < least:
            env.reject(
                GENERATOR_TIME_SCALE,
                f"leaves fewer than {LEAST_A_DAY} transactions for a simulated day: set at most "
                f"{_floor(self.per_second / least)}, or {TRANSACTIONS_PER_SECOND.name} to at least "
                f"{_ceiling(self.time_scale * least)}",
            )
        elif a_second > MOST_A_SECOND:
            env.reject(
                GENERATOR_TIME_SCALE,
                f"leaves over {MOST_A_SECOND} transactions for a simulated second: set at least "
                f"{_ceiling(self.per_second / MOST_A_SECOND)}, or {TRANSACTIONS_PER_SECOND.name} to at most "
                f"{_floor(self.time_scale * MOST_A_SECOND)}",
            )


def _floor(number: float) -> str:
    return f"{math.floor(number * 1000) / 1000:.10g}"


def _ceiling(number: float) -> str:
    return f"{math.ceil(number * 1000) / 1000:.10g}"
