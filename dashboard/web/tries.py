"""How often somebody may try to log in. Pure: who failed and when in, whether they may try again out."""

from __future__ import annotations

import ipaddress
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES: Final = 5  # of one address
ALL_TRIES: Final = 50  # of all together: whoever guesses may have many addresses
TRIES_SECONDS: Final = 60.0
_NETWORK_BITS: Final = 64  # of IPv6 somebody has a network of so many bits to himself, at the least


class TooManyTriesError(Exception):
    """So many tries failed within a minute that this one is not looked at; it is after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds:.0f} s")
        self.seconds = seconds


class Tries:
    """Tries that failed within the last minute, by address; ``now`` tells seconds.

    Each address has its own bound, so that somebody who guesses keeps out himself; the one of all together holds for
    those who have many addresses, or make them up.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed: deque[tuple[float, str]] = deque(maxlen=ALL_TRIES)

    def check(self, address: str | None) -> None:
        """Let somebody try.

        Raises:
            TooManyTriesError: not now.

        """
        now, mine = self._now(), network_of(address)
        recent = [(at, whose) for at, whose in self._failed if now - at < TRIES_SECONDS]
        own = [at for at, whose in recent if whose == mine]
        for found, most in ((own, TRIES), ([at for at, _ in recent], ALL_TRIES)):
            if len(found) >= most:
                raise TooManyTriesError(found[-most] + TRIES_SECONDS - now)

    def failed(self, address: str | None) -> None:
        """Remember a try that failed."""
        self._failed.append((self._now(), network_of(address)))


def network_of(address: str | None) -> str:
    """Return what stands for whoever has an address; all that are no addresses are one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS))
