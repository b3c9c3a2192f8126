"""What sets the fraud processor up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fraud_processor.outlets.choosing import Address, addresses, is_signed
from fraud_processor.outlets.signed import secret
from pipeline.runtime import parsing, service_settings
from pipeline.runtime.cases_api import CASES_API_TOKEN
from pipeline.runtime.database.settings import CASES_DATABASE_URL
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.service_settings import LOST_EFFECTS, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import time

    from pipeline.runtime.settings import CommonSettings

CASE_WINDOW: Final = Variable(
    "CASE_WINDOW",
    parsing.duration,
    "24h",
    "How much later than the rest of a case an alert about the same subject may be and still join it, by the times of "
    "the transactions; a later one opens another case.",
)

ALERT_URLS: Final = Variable(
    "ALERT_URLS",
    addresses,
    "",
    "Who is told of cases: Apprise URLs with blanks between them (mailtos://, slack://, json://, ...), or "
    "signed+https://host/path for a signed webhook; high=URL is told of high and critical ones alone. Empty: nobody.",
    secret=True,
)
ALERT_INTERVAL: Final = Variable(
    "ALERT_INTERVAL",
    parsing.duration,
    "15m",
    "How long nobody is told of a case again: what comes meanwhile is told together then.",
)
ALERT_WEBHOOK_SECRET: Final = Variable(
    "ALERT_WEBHOOK_SECRET",
    parsing.optional(secret),
    "",
    "What signs messages to signed+https:// URLs: whsec_ and base64 of 24 random bytes or more.",
    secret=True,
)
OUTBOX_LIMIT: Final = Variable(
    "OUTBOX_LIMIT",
    parsing.whole_number(1, 1_000_000),
    "1000",
    "The most messages that wait for one of ALERT_URLS that is away; what else there is is told together later.",
)

REPORT_AT: Final = Variable(
    "REPORT_AT",
    parsing.optional(parsing.time_of_day),
    "",
    "When ALERT_URLS are told what the day before came to, such as 06:00, in UTC; empty: never.",
)
CASES_API_HOST: Final = Variable(
    "CASES_API_HOST", parsing.text, "127.0.0.1", "The address at which the interface to the cases listens."
)
CASES_API_PORT: Final = Variable(
    "CASES_API_PORT",
    parsing.whole_number(0, 65535),
    "8001",
    "The port of the interface to the cases; 0: any that is free.",
)

VARIABLES = (
    *service_settings.VARIABLES,
    LOST_EFFECTS,
    CASES_DATABASE_URL,
    CASE_WINDOW,
    ALERT_URLS,
    ALERT_INTERVAL,
    ALERT_WEBHOOK_SECRET,
    OUTBOX_LIMIT,
    REPORT_AT,
    CASES_API_TOKEN,
    CASES_API_HOST,
    CASES_API_PORT,
)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where the interface to the cases listens, and what callers have to know; None: there is none."""

    host: str
    port: int
    token: str | None = field(repr=False)

    @classmethod
    def read(cls, env: Environment) -> ApiSettings:
        """Read the variables."""
        return cls(env.read(CASES_API_HOST), env.read(CASES_API_PORT), env.read(CASES_API_TOKEN))


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Who is told of cases, and how often; ``interval_us`` is in microseconds, ``report_at`` a time of UTC's day."""

    interval_us: int
    limit: int
    report_at: time | None
    addresses: tuple[Address, ...] = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def read(cls, env: Environment) -> AlertSettings:
        """Read the variables."""
        urls, key = env.read(ALERT_URLS), env.read(ALERT_WEBHOOK_SECRET)
        if key is None and any(map(is_signed, urls)):
            env.reject(ALERT_WEBHOOK_SECRET, "is missing: ALERT_URLS names a signed webhook")
        return cls(env.read(ALERT_INTERVAL), env.read(OUTBOX_LIMIT), env.read(REPORT_AT), urls, key or b"")


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """``database`` is the URL of the cases, with its password; ``case_window_us`` is in microseconds."""

    service: ServiceSettings
    lost_effects: str
    case_window_us: int
    alerts: AlertSettings
    api: ApiSettings
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
            ServiceSettings.read(env),
            env.read(LOST_EFFECTS),
            env.read(CASE_WINDOW),
            AlertSettings.read(env),
            ApiSettings.read(env),
            env.read(CASES_DATABASE_URL),
        )
        env.check()
        return read
