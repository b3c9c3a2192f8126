"""What both sides of the interface to the cases are set up by."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pipeline.runtime import parsing
from pipeline.runtime.environment import Variable
from pipeline.runtime.token import token


def http_url(value: str) -> str:
    """Accept the address of an HTTP server, without a path.

    Raises:
        ValueError: it is none.

    """
    expected = "an address such as http://127.0.0.1:8001"
    try:
        found = urlsplit(value)
        port_is_one = found.port is None or found.port > 0
    except ValueError:
        raise ValueError(expected) from None
    plain = not (found.query or found.fragment or found.username or found.path.strip("/"))
    if found.scheme not in {"http", "https"} or not found.hostname or not plain or not port_is_one:
        raise ValueError(expected)
    return value.rstrip("/")


CASES_API_TOKEN: Final = Variable(
    "CASES_API_TOKEN",
    parsing.optional(token),
    "",
    "What callers of the interface to the cases have to know: 16 characters or more. Empty: there is no interface.",
    secret=True,
)
CASES_API_URL: Final = Variable(
    "CASES_API_URL",
    http_url,
    "http://127.0.0.1:8001",
    "Where the dashboard finds the interface to the cases; it asks where CASES_API_TOKEN is set.",
)
