"""What the body of a message says to people. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from fraud_processor.outbox.digest import Message
from fraud_processor.reports.day import Day
from fraud_processor.reports.text import text_of, title_of


class Content(NamedTuple):
    """A message as people read it; ``severity`` is empty where nothing is wrong."""

    title: str
    text: str
    severity: str


_decode: Final = msgspec.json.Decoder(Message | Day).decode


def read(body: str) -> Content:
    """Return what a body of the outbox says."""
    found = _decode(body)
    if isinstance(found, Day):
        return Content(title_of(found), f"{text_of(found)}\n\nmessage {found.id}", "")
    return Content(found.title, found.text, found.severity)
