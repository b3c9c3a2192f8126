"""What every service reads that handles records exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.runtime import parsing, settings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.record_path import RECORD_PATH
from pipeline.runtime.settings import CommonSettings
from pipeline.runtime.transactional.batch_size import BatchLimits
from pipeline.runtime.transactional.start import BEGINNING, END, LOST_EFFECTS_VARIABLE, LOST_OFFSETS_VARIABLE, REFUSE

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BATCH_RECORDS: Final = 1_000_000
MOST_BATCH_BYTES: Final = 1 << 30
# Brokers end a transaction after 8 seconds: the records have to be delivered within that, too.
MOST_BATCH_MS: Final = 4_000

MAX_BATCH_RECORDS = Variable(
    "MAX_BATCH_RECORDS",
    parsing.whole_number(1, MOST_BATCH_RECORDS),
    "20000",
    "The most records in one transaction. Few where few come, so that they pass at once.",
)
MAX_BATCH_BYTES = Variable(
    "MAX_BATCH_BYTES",
    parsing.whole_number(1, MOST_BATCH_BYTES),
    "16777216",
    "About the most bytes in one transaction, keys and values together.",
)
MAX_BATCH_MS = Variable(
    "MAX_BATCH_MS",
    parsing.whole_number(1, MOST_BATCH_MS),
    "1000",
    "About the most milliseconds that handling one transaction may take.",
)
LOST_OFFSETS = Variable(
    LOST_OFFSETS_VARIABLE,
    parsing.choice(REFUSE, BEGINNING, END),
    REFUSE,
    "What to do when committed offsets or their input are gone: refuse (exit and say what is lost), "
    "beginning or end (accept it and read on from there).",
)
LOST_EFFECTS = Variable(
    LOST_EFFECTS_VARIABLE,
    parsing.choice(REFUSE, BEGINNING, END),
    REFUSE,
    "What to do when the database does not fit to what Kafka says was handled: refuse (exit and say how), beginning "
    "(take the effects of all that the topic has) or end (go on where Kafka stands).",
)


_BATCHES = (MAX_BATCH_RECORDS, MAX_BATCH_BYTES, MAX_BATCH_MS)

VARIABLES = (*settings.VARIABLES, LOST_OFFSETS, RECORD_PATH, *_BATCHES)


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What every service needs that handles records exactly once."""

    common: CommonSettings
    lost_offsets: str
    record_path: str
    batch_limits: BatchLimits

    @classmethod
    def read(cls, env: Environment) -> ServiceSettings:
        """Read the variables, for a service that reads more of them."""
        limits = BatchLimits(env.read(MAX_BATCH_RECORDS), env.read(MAX_BATCH_BYTES), env.read(MAX_BATCH_MS) / 1000)
        return cls(CommonSettings.read(env), env.read(LOST_OFFSETS), env.read(RECORD_PATH), limits)

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> ServiceSettings:
        """Read the variables, for a service that needs no more.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        read = cls.read(env)
        env.check()
        return read
