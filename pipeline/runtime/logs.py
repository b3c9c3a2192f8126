"""Log lines on standard error: JSON for machines, plain text for people at a terminal.

Standard output is left to what a service is for (settled payments, alerts), so that it can be piped.
"""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from pipeline.runtime.settings import ProcessSettings

QUIET_SECONDS: Final = 30.0
MAX_LINE_CHARACTERS: Final = 2000

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, service, logger, message, what ``extra`` gave, and a traceback."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode({name: _encodable(value) for name, value in line.items()}, enc_hook=str).decode()


class TextFormatter(logging.Formatter):
    """A readable line, every character of it printable, with what ``extra`` gave at its end."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and behind it the traceback if there is one."""
        extra = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD)
        message = printable(f"{record.getMessage()} {extra}".rstrip(), MAX_LINE_CHARACTERS)
        line = f"{_moment(record)} {record.levelname:<7} {message}"
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(printable(part, MAX_LINE_CHARACTERS) for part in trace)])


# Libraries that say the same again and again while somebody is away.
NOISY = ("kafka", "opentelemetry", "urllib3")


class ClientNoise(logging.Filter):
    """Lets one line of a client pass in 30 seconds: Kafka's writes dozens a second while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -QUIET_SECONDS
        self._held_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Let our own lines pass; tell of the client's whether it may, and say then how many were held back."""
        if not record.name.startswith(NOISY):
            return True
        now = time.monotonic()
        if now - self._last < QUIET_SECONDS:
            self._held_back += 1
            return False
        self._last = now
        record.exc_info = record.exc_text = None
        if self._held_back:
            record.held_back, self._held_back = self._held_back, 0
        return True


def start_logging(service: str, settings: ProcessSettings) -> None:
    """Send everything to standard error in the form that ``settings`` asks for."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter(service))
    if settings.log_level != "DEBUG":
        handler.addFilter(ClientNoise())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    logging.getLogger("kafka").setLevel(logging.WARNING)


def _encodable(value: object) -> object:
    """Return text without lone surrogates, which name files that are no UTF-8 and cannot be encoded."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
