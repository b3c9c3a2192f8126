"""Which source the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.scenarios.clock import start_of
from generator.scenarios.realistic import RealisticSource
from generator.transactions import PaymentSource, TransferSource
from pipeline.contracts.formats import PaymentFormat

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from generator.settings import GeneratorSettings
    from generator.transactions import Generated, Source


def uniform_source(settings: GeneratorSettings, chance: Random) -> Source[Generated]:
    """Return the source of transactions of which all are equally likely, in the format that is set."""
    if settings.common.format.name == PaymentFormat.name:
        return PaymentSource(chance, settings.timezone)
    return TransferSource(chance, settings.currency)


def realistic_source(settings: GeneratorSettings, chance: Random, now: datetime) -> RealisticSource:
    """Return the source of a population's transfers and their labels; the format must be that of transfers."""
    scenario = settings.scenario
    start = start_of(scenario.start, now, scenario.time_scale)
    return RealisticSource(chance, settings.currency, start, scenario.pace_seconds, scenario.fraud_cases)
