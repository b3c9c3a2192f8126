"""How often somebody may try to log in: alone, from many addresses, and behind a proxy."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dashboard.settings import DashboardSettings
from dashboard.web.tries import ALL_TRIES, TRIES, TRIES_SECONDS, TooManyTriesError, Tries, network_of
from pipeline.errors import SettingsError
from tests.unit.test_dashboard_access import TOKEN, client_of

if TYPE_CHECKING:
    import httpx

TOGETHER = ALL_TRIES // TRIES  # addresses that use up what all have


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def test_who_guesses_keeps_out_nobody_else() -> None:
    """He waits until the first of his tries is a minute old, and no longer."""
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES):
        tries.check("192.0.2.1")
        tries.failed("192.0.2.1")
        clock.now += 1
    with pytest.raises(TooManyTriesError) as refused:
        tries.check("192.0.2.1")
    assert refused.value.seconds == TRIES_SECONDS - TRIES
    tries.check("192.0.2.2")
    clock.now += refused.value.seconds
    tries.check("192.0.2.1")
    tries.failed("192.0.2.1")
    with pytest.raises(TooManyTriesError):
        tries.check("192.0.2.1")


def test_many_addresses_have_a_bound_together() -> None:
    """Whoever has many, or makes them up, does not guess without end."""
    clock = Clock()
    tries = Tries(clock)
    for number in range(TOGETHER):
        for _ in range(TRIES):
            tries.check(f"192.0.2.{number}")
            tries.failed(f"192.0.2.{number}")
    with pytest.raises(TooManyTriesError):
        tries.check("198.51.100.1")
    clock.now += TRIES_SECONDS
    tries.check("198.51.100.1")


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("nonsense", "x" * 100_000, True),
        ("", None, True),
        ("nonsense", "192.0.2.1", False),
    ],
)
def test_who_is_one(address: str, other: str | None, *, same: bool) -> None:
    """Of IPv6 a whole network is somebody's; all that are no addresses are one, so that nobody makes up many."""
    assert (network_of(address) == network_of(other)) == same


def guess(client: httpx.Client, token: str, asked_for: str) -> int:
    """Try to log in behind a proxy that says for whom it asks; return the status."""
    return client.post("/login", data={"token": token}, headers={"X-Forwarded-For": asked_for}).status_code


def test_behind_a_proxy_each_client_has_tries_of_his_own() -> None:
    """The proxy tells them apart; what a client has put before that himself does not count."""
    with closing(client_of(TOKEN)) as made:
        client = next(made)
        for number in range(TRIES):
            assert guess(client, "x", f"203.0.113.{number}, 192.0.2.1") == 403
        assert guess(client, TOKEN, "203.0.113.9, 192.0.2.1") == 429
        assert guess(client, TOKEN, "192.0.2.2") == 303
        for number in range(TOGETHER - 1):
            for _ in range(TRIES):
                assert guess(client, "x", f"198.51.100.{number}") == 403
        assert guess(client, TOKEN, "192.0.2.2") == 429


@pytest.mark.parametrize("proxies", ["none", "192.0.2.0/24,2001:db8::1"])
def test_who_is_no_proxy_is_not_believed(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it says, and whatever else the environment says to the server."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with closing(client_of(TOKEN, DASHBOARD_PROXIES=proxies)) as made:
        client = next(made)
        for number in range(TRIES):
            assert guess(client, "x", f"192.0.2.{number}") == 403
        assert guess(client, TOKEN, "192.0.2.9") == 429


@pytest.mark.parametrize(("proxies", "secure"), [("", True), ("none", False)])
def test_behind_a_proxy_of_tls_the_cookie_is_for_that_alone(proxies: str, *, secure: bool) -> None:
    """Where the proxy is one that is believed."""
    with closing(client_of(TOKEN, DASHBOARD_PROXIES=proxies)) as made:
        answer = next(made).post("/login", data={"token": TOKEN}, headers={"X-Forwarded-Proto": "https"})
        assert ("Secure" in answer.headers["Set-Cookie"]) == secure


@pytest.mark.parametrize("proxies", ["*", "proxy", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1,", "127.0.0.1 ::1"])
def test_a_proxy_is_named_by_its_address(proxies: str) -> None:
    """Its name may lead elsewhere tomorrow."""
    with pytest.raises(SettingsError, match=r"DASHBOARD_PROXIES must be addresses or networks with commas"):
        DashboardSettings.from_env({"DASHBOARD_PROXIES": proxies})
