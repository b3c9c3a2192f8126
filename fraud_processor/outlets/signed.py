"""Messages to programs: a webhook that is signed, so that the receiver knows whom it is from.

As https://www.standardwebhooks.com describes it: HMAC-SHA256 over id, timestamp and body. A receiver refuses what is
older than five minutes, and takes what has an id that it knows for the same once more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final

import requests

from fraud_processor.outlets.outlet import OutletError

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = "signed+"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (what a secret begins with)
LEAST_SECRET_BYTES: Final = 24
LIMITS_SECONDS: Final = (5.0, 10.0)  # to connect, and between two bytes of the answer


def secret(value: str) -> bytes:
    """Accept the secret of a webhook: ``whsec_`` and base64 of 24 bytes or more.

    Raises:
        ValueError: it is none.

    """
    expected = f"{SECRET_PREFIX} and base64 of {LEAST_SECRET_BYTES} random bytes or more"
    try:
        found = base64.b64decode(value.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(expected) from None
    if not value.startswith(SECRET_PREFIX) or len(found) < LEAST_SECRET_BYTES:
        raise ValueError(expected)
    return found


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header that proves a body; ``timestamp`` is in seconds since 1970."""
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


class SignedOutlet:
    """A webhook: ``url`` is of http or https. ``now`` tells the seconds since 1970."""

    def __init__(self, url: str, key: bytes, now: Callable[[], float] = time.time) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("signed+http://host/path or signed+https://host/path")
        self._url, self._key, self._now = url, key, now
        self.name = f"webhook-{hashlib.blake2b(url.encode(), digest_size=4).hexdigest()}"
        self._session = requests.Session()

    def send(self, key: str, body: str) -> None:
        """See :class:`~fraud_processor.outlets.outlet.Outlet`."""
        content, timestamp = body.encode(), int(self._now())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "fraud-pipeline",
            "Idempotency-Key": key,
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, key, timestamp, content),
        }
        try:
            with self._session.post(
                self._url, content, headers=headers, timeout=LIMITS_SECONDS, allow_redirects=False, stream=True
            ) as answer:
                if not answer.ok or answer.is_redirect:
                    raise OutletError(f"it answered {answer.status_code}")
        except requests.RequestException as error:
            # Its text may tell of the URL, in which there may be a token.
            raise OutletError(type(error).__name__) from None
