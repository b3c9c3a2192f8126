"""Messages to people, by whatever they read: mail, chat, telephone, as Apprise knows them by URL."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from apprise import Apprise, NotifyFormat, NotifyType

from fraud_processor.outbox.contents import read
from fraud_processor.outlets.outlet import OutletError

if TYPE_CHECKING:
    from apprise.plugins import NotifyBase

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log what it sends, and to whom; we tell the outcome

KEY_HEADER: Final = "Idempotency-Key"
_TYPES: Final = {"critical": NotifyType.FAILURE, "high": NotifyType.WARNING, "medium": NotifyType.WARNING}


class PeopleOutlet:
    """A service by its URL, such as ``mailtos://user:password@example.com`` or ``slack://...``.

    Raises:
        ValueError: it is none that Apprise knows.

    """

    def __init__(self, url: str) -> None:
        service = Apprise.instantiate(url)
        if service is None:
            raise ValueError("the URL of a service that Apprise knows, or signed+https://host/path")
        self._service: NotifyBase = service
        digest = blake2b(url.encode(), digest_size=4).hexdigest()
        self.name = f"{url.partition(':')[0].casefold()[:40]}-{digest}"

    def send(self, key: str, body: str) -> None:
        """See :class:`~fraud_processor.outlets.outlet.Outlet`. The message says its key, and so does a header."""
        content = read(body)
        headers = getattr(self._service, "headers", None)
        if isinstance(headers, dict):  # of services that take any
            headers[KEY_HEADER] = key
        sender = Apprise()
        sender.add(self._service)
        taken = sender.notify(
            title=content.title,
            body=content.text,
            body_format=NotifyFormat.TEXT,
            notify_type=_TYPES.get(content.severity, NotifyType.INFO),
        )
        if not taken:
            raise OutletError("the service did not take it")
