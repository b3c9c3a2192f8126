"""The errors that a person can meet, each with the exit code it ends the command with."""

from __future__ import annotations

EXIT_STOPPED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class KafkaLocalError(Exception):
    """Says in its text what happened and what to do about it."""

    exit_code = EXIT_FAILED


class MissingToolError(KafkaLocalError):
    """Java is missing or too old, or Maven is missing while the jars are not there yet."""

    exit_code = EXIT_USAGE


class RequestError(KafkaLocalError):
    """What the caller asked for can not be: the text names the argument."""

    exit_code = EXIT_USAGE


class PreparationError(KafkaLocalError):
    """The jars could not be fetched, or Kafka's own tool could not prepare its storage."""


class BrokerFailedError(KafkaLocalError):
    """A node ended, or was not serving in time; the text carries the last lines of its log."""
