"""What sets the generator up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from generator import scenario_settings
from generator.scenario_settings import TRANSACTIONS_PER_SECOND, ScenarioSettings
from pipeline.runtime import parsing, settings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.record_path import RECORD_PATH
from pipeline.runtime.settings import CommonSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

MOST_TRANSACTIONS: Final = 10**15
MOST_SEED: Final = 2**53

TRANSACTIONS_COUNT = Variable(
    "TRANSACTIONS_COUNT",
    parsing.optional(parsing.whole_number(1, MOST_TRANSACTIONS)),
    "",
    "Stop after so many transactions; empty: never.",
)
GENERATOR_SEED = Variable(
    "GENERATOR_SEED",
    parsing.optional(parsing.whole_number(0, MOST_SEED)),
    "",
    "The same seed makes the same transactions, but for their time, until a new version; empty: others every time.",
)
TRANSFER_CURRENCY = Variable(
    "TRANSFER_CURRENCY", parsing.currency, "EUR", "Currency of the transfers that are made up."
)

VARIABLES = (
    *settings.VARIABLES,
    TRANSACTIONS_PER_SECOND,
    TRANSACTIONS_COUNT,
    GENERATOR_SEED,
    *scenario_settings.VARIABLES,
    TRANSFER_CURRENCY,
    RECORD_PATH,
)


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """``count`` and ``seed`` are None for endless and for ever new."""

    common: CommonSettings
    per_second: float
    count: int | None
    seed: int | None
    scenario: ScenarioSettings
    currency: str
    timezone: ZoneInfo
    record_path: str

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> GeneratorSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        read = cls(
            common=CommonSettings.read(env),
            per_second=env.read(TRANSACTIONS_PER_SECOND),
            count=env.read(TRANSACTIONS_COUNT),
            seed=env.read(GENERATOR_SEED),
            scenario=ScenarioSettings.read(env),
            currency=env.read(TRANSFER_CURRENCY),
            timezone=env.read(settings.PAYMENT_TIMEZONE),
            record_path=env.read(RECORD_PATH),
        )
        env.check()
        return read
