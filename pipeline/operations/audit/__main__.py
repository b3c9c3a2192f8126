"""``python -m pipeline.operations.audit``: account for every transaction."""

import os
import sys
import time
from datetime import UTC, datetime

import msgspec
from dotenv import find_dotenv, load_dotenv

from pipeline.errors import EXIT_UNAVAILABLE, PipelineError, SettingsError, StoppedError
from pipeline.operations.audit.auditor import audit
from pipeline.operations.audit.command import exit_code, parse
from pipeline.operations.audit.databases import opened
from pipeline.operations.audit.table import table
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.compiled import refuse_stale_build
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.logs import start_logging
from pipeline.runtime.pipes import to_its_end
from pipeline.runtime.settings import common_from_env, of_a_command
from pipeline.runtime.transactional.effects import EffectsError


def main(arguments: list[str]) -> int:
    """Audit, print the outcome, return the exit code."""
    asked = parse(arguments, datetime.now(UTC))
    stop = Stop()
    stop.listen()
    try:
        refuse_stale_build()
        settings = common_from_env(of_a_command(os.environ))
        start_logging("audit", settings.process)
        with opened(os.environ) as databases:
            report = audit(settings.kafka, settings.topics, stop.wait, _progress, asked.period, databases=databases)
    except (PipelineError, KafkaError, EffectsError) as error:
        sys.stderr.write(f"audit: could not audit: {error or type(error).__name__}\n")
        return error.exit_code if isinstance(error, SettingsError | StoppedError) else EXIT_UNAVAILABLE
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
    sys.stdout.write((msgspec.json.encode(report).decode() if asked.json else table(report)) + "\n")
    return exit_code(report)


def _progress(read: int, started: float = time.monotonic()) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\raudit: {read:,} records read in {time.monotonic() - started:.0f} s ")


if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(to_its_end(lambda: main(sys.argv[1:])))
