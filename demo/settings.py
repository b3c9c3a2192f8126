"""What sets the demo up, and the environment that it gives to the services."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dashboard.settings import DASHBOARD_HOST, DASHBOARD_PASSWORD, DASHBOARD_PORT, DASHBOARD_TOKEN
from fraud_processor.settings import CASES_API_HOST, CASES_API_PORT
from pipeline.runtime import parsing
from pipeline.runtime.cases_api import CASES_API_TOKEN, CASES_API_URL
from pipeline.runtime.cluster_settings import KAFKA_BROKER_URL, SECURITY_PROTOCOL
from pipeline.runtime.database.settings import CASES_DATABASE_URL, LEDGER_DATABASE_URL
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.settings import HEARTBEAT_FILE, LOG_FORMAT, TRANSACTION_FORMAT, CommonSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO_SECONDS = Variable(
    "DEMO_SECONDS", parsing.optional(parsing.number_above_zero), "", "How long the demo runs; empty: until Ctrl-C."
)
# What the demo leaves behind, until the next one.
LOGS: Final = Path(__file__).resolve().parents[1] / "build" / "demo"
LOCAL: Final = "127.0.0.1"
LEDGER: Final = LOGS / "ledger.sqlite"
CASES: Final = LOGS / "cases.sqlite"
# What the demo shows where nothing else is asked for: people with habits, a day of them a minute, frauds of every kind
# among them, and rules about behaviour.
DEFAULTS: Final = {"TRANSACTIONS_PER_SECOND": "100"}
BEHAVIOUR: Final = {
    "GENERATOR_SCENARIO": "realistic",
    "GENERATOR_TIME_SCALE": "1440",
    "GENERATOR_FRAUD_CASES": "60",
    "RULES_FILE": str(Path(__file__).resolve().parents[1] / "rules" / "behaviour-transfers.yaml"),
}


def _is_free(values: Mapping[str, str]) -> bool:
    """Tell whether nothing is asked for that the realistic scenario or its rules would contradict."""
    taken = ("GENERATOR_SCENARIO", "RULES_FILE", TRANSACTION_FORMAT.name)
    return not any(values.get(name, "").strip() for name in taken)


def _port(wanted: int) -> int:
    """Return a port for the page: the one that is wanted, where nobody has it."""
    for port in (wanted, 0):
        try:
            with socket.create_server((LOCAL, port)) as bound:
                return int(bound.getsockname()[1])
        except OSError:
            continue
    return wanted  # it will say itself what is wrong


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """``environ`` is for the services; ``seconds`` is None for a demo without an end."""

    common: CommonSettings
    environ: dict[str, str] = field(repr=False)
    seconds: float | None

    @property
    def page(self) -> str:
        """Where the page is."""
        return f"http://{LOCAL}:{self.environ[DASHBOARD_PORT.name]}"

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
            LEDGER_DATABASE_URL.name: f"sqlite:///{LEDGER}",
            CASES_DATABASE_URL.name: f"sqlite:///{CASES}",
            DASHBOARD_HOST.name: LOCAL,
            DASHBOARD_TOKEN.name: "",
            DASHBOARD_PASSWORD.name: "",
            CASES_API_TOKEN.name: secrets.token_hex(16),
            CASES_API_HOST.name: LOCAL,
            "PYTHONUNBUFFERED": "1",
        }
        defaults = DEFAULTS | (BEHAVIOUR if _is_free(values) else {})
        environ |= {name: default for name, default in defaults.items() if not values.get(name, "").strip()}
        if not values.get(DASHBOARD_PORT.name, "").strip():
            environ[DASHBOARD_PORT.name] = str(_port(int(DASHBOARD_PORT.default)))
        cases_port = _port(int(CASES_API_PORT.default))
        environ |= {CASES_API_PORT.name: str(cases_port), CASES_API_URL.name: f"http://{LOCAL}:{cases_port}"}
        env = Environment(environ)
        read = cls(CommonSettings.read(env), environ, env.read(DEMO_SECONDS))
        env.check()
        return read
