"""What sets the fraud processor up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.runtime import parsing, service_settings
from pipeline.runtime.database.settings import CASES_DATABASE_URL
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.service_settings import LOST_EFFECTS, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.settings import CommonSettings

CASE_WINDOW: Final = Variable(
    "CASE_WINDOW",
    parsing.duration,
    "24h",
    "How much later than the rest of a case an alert about the same subject may be and still join it, by the times of "
    "the transactions; a later one opens another case.",
)

VARIABLES = (*service_settings.VARIABLES, LOST_EFFECTS, CASES_DATABASE_URL, CASE_WINDOW)


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """``database`` is the URL of the cases, with its password; ``case_window_us`` is in microseconds."""

    service: ServiceSettings
    lost_effects: str
    case_window_us: int
    database: str = field(repr=False)

    @property
    def common(self) -> CommonSettings:
        """What all services need."""
        return self.service.common

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> FraudSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        read = cls(
            ServiceSettings.read(env), env.read(LOST_EFFECTS), env.read(CASE_WINDOW), env.read(CASES_DATABASE_URL)
        )
        env.check()
        return read
