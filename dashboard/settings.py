"""What sets the dashboard up."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.runtime import parsing, settings
from pipeline.runtime.cases_api import CASES_API_TOKEN, CASES_API_URL
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.settings import CommonSettings
from pipeline.runtime.token import password, token

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")


def host_names(value: str) -> tuple[str, ...]:
    """Accept names of hosts with commas between them; however they are written, they are told in small letters."""
    found = tuple(name.strip().casefold() for name in value.split(",") if name.strip())
    if not all(_HOST_NAME.fullmatch(name) for name in found):
        message = "names of hosts with commas between them, without ports"
        raise ValueError(message)
    return found


def proxies(value: str) -> tuple[str, ...]:
    """Accept addresses and networks with commas between them; it may be empty: ``none``."""
    if value.casefold() == "none":
        return ()
    found = tuple(one.strip() for one in value.split(","))
    try:
        return tuple(str(ipaddress.ip_network(one)) for one in found)
    except ValueError:
        message = "addresses or networks with commas between them, such as 10.0.0.5 or 10.1.0.0/16, or none"
        raise ValueError(message) from None


DASHBOARD_HOST: Final = Variable(
    "DASHBOARD_HOST", parsing.text, "127.0.0.1", "The address at which the dashboard listens. In compose: 0.0.0.0."
)
DASHBOARD_PORT: Final = Variable(
    "DASHBOARD_PORT", parsing.whole_number(0, 65535), "8000", "The port of the dashboard; 0: any that is free."
)
DASHBOARD_TOKEN: Final = Variable(
    "DASHBOARD_TOKEN",
    parsing.optional(token),
    "",
    "What people have to know to see the dashboard: 16 characters or more. Needed where it listens beyond this "
    "machine; make up writes one into .env.",
    secret=True,
)
DASHBOARD_PASSWORD: Final = Variable(
    "DASHBOARD_PASSWORD",
    parsing.optional(password),
    "",
    "The same for people to remember: 12 characters or more. Either one is enough; where both are set, either logs in.",
    secret=True,
)
DASHBOARD_HOSTS: Final = Variable(
    "DASHBOARD_HOSTS",
    host_names,
    "",
    "Names by which browsers may ask for the dashboard, beside localhost and 127.0.0.1; commas between.",
)
DASHBOARD_PROXIES: Final = Variable(
    "DASHBOARD_PROXIES",
    proxies,
    "127.0.0.1,::1",
    "Addresses or networks of proxies that are believed whom they ask for, and whether by TLS (X-Forwarded-For, "
    "X-Forwarded-Proto); none: of none.",
)

VARIABLES = (
    *settings.VARIABLES,
    DASHBOARD_HOST,
    DASHBOARD_PORT,
    DASHBOARD_TOKEN,
    DASHBOARD_PASSWORD,
    DASHBOARD_HOSTS,
    DASHBOARD_PROXIES,
    CASES_API_URL,
    CASES_API_TOKEN,
)
_SECRETS: Final = (DASHBOARD_TOKEN, DASHBOARD_PASSWORD)


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """``hosts`` are the names that a browser may ask for, ``proxies`` who is believed for whom they ask.

    Any of the ``secrets`` logs in; without one everybody on this machine may look. Without a ``cases_token`` there are
    no cases to show.
    """

    common: CommonSettings
    host: str
    port: int
    hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    cases_url: str
    secrets: tuple[str, ...] = field(repr=False)
    cases_token: str | None = field(repr=False)

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> DashboardSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        host = env.read(DASHBOARD_HOST)
        secrets = tuple(one for one in map(env.read, _SECRETS) if one is not None)
        if not (any(values.get(one.name, "").strip() for one in _SECRETS) or _is_local(host)):
            missing = f"or {DASHBOARD_PASSWORD.name} is missing: at {host[:60]} others may look, too"
            env.reject(DASHBOARD_TOKEN, f"{missing} ({DASHBOARD_HOST.name})")
        hosts = ("localhost", "127.0.0.1", "[::1]", *env.read(DASHBOARD_HOSTS))
        cases_url, cases_token = env.read(CASES_API_URL), env.read(CASES_API_TOKEN)
        common, port, believed = CommonSettings.read(env), env.read(DASHBOARD_PORT), env.read(DASHBOARD_PROXIES)
        read = cls(common, host, port, hosts, believed, cases_url, secrets, cases_token)
        env.check()
        return read


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
