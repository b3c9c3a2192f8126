"""What sets the legit processor up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.runtime import service_settings
from pipeline.runtime.database.settings import LEDGER_DATABASE_URL
from pipeline.runtime.environment import Environment
from pipeline.runtime.service_settings import LOST_EFFECTS, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.settings import CommonSettings

VARIABLES = (*service_settings.VARIABLES, LOST_EFFECTS, LEDGER_DATABASE_URL)


@dataclass(frozen=True, slots=True)
class LegitSettings:
    """``database`` is the URL of the ledger, with its password."""

    service: ServiceSettings
    lost_effects: str
    database: str = field(repr=False)

    @property
    def common(self) -> CommonSettings:
        """What all services need."""
        return self.service.common

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> LegitSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        read = cls(ServiceSettings.read(env), env.read(LOST_EFFECTS), env.read(LEDGER_DATABASE_URL))
        env.check()
        return read
