"""What sets the demo up, and the environment that it gives to the services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.runtime import parsing
from pipeline.runtime.cluster_settings import KAFKA_BROKER_URL, SECURITY_PROTOCOL
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.settings import HEARTBEAT_FILE, LOG_FORMAT, CommonSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO_SECONDS = Variable(
    "DEMO_SECONDS", parsing.optional(parsing.number_above_zero), "", "How long the demo runs; empty: until Ctrl-C."
)
RATE: Final = "TRANSACTIONS_PER_SECOND"
DEFAULT_RATE: Final = "100"


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """``environ`` is for the services; ``seconds`` is None for a demo without an end."""

    common: CommonSettings
    environ: dict[str, str] = field(repr=False)
    seconds: float | None

    @classmethod
    def from_env(cls, values: Mapping[str, str], brokers: str) -> DemoSettings:
        """Read the variables, with the cluster replaced by the one at ``brokers``.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        environ = {
            **values,
            KAFKA_BROKER_URL.name: brokers,
            SECURITY_PROTOCOL.name: "PLAINTEXT",
            HEARTBEAT_FILE.name: "",
            LOG_FORMAT.name: "text",
            RATE: values.get(RATE, "").strip() or DEFAULT_RATE,
            "PYTHONUNBUFFERED": "1",
        }
        env = Environment(environ)
        read = cls(CommonSettings.read(env), environ, env.read(DEMO_SECONDS))
        env.check()
        return read
