"""The one root of every error that a person can meet, and the exit code each one ends a process with."""

from __future__ import annotations

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # what shells say of a command that was stopped
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h: what we depend on does not answer
EXIT_SOFTWARE = 70  # EX_SOFTWARE: we gave ourselves up


class PipelineError(Exception):
    """Says in its text what happened, where, and what to do about it."""

    exit_code = EXIT_FAILURE


class SettingsError(PipelineError):
    """One or more environment variables are unusable; ``problems`` has a sentence for each."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("bad settings:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class BrokerUnavailableError(PipelineError):
    """Kafka did not answer, or lacked what is needed, within the time that was granted."""

    exit_code = EXIT_UNAVAILABLE


class StoppedError(PipelineError):
    """A stop was requested while something was waited for: no failure of a service, but nothing was done either."""

    exit_code = EXIT_INTERRUPTED
