"""``python -m pipeline.operations.audit``: account for every transaction.

Exits with 0 where each has one outcome, 1 where one is lost or doubled, 69 where it could not look.
"""

import argparse
import os
import sys
import time

import msgspec
from dotenv import find_dotenv, load_dotenv

from pipeline.errors import EXIT_FAILURE, EXIT_UNAVAILABLE, PipelineError, SettingsError, StoppedError
from pipeline.operations.audit.auditor import audit
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.logs import start_logging
from pipeline.runtime.settings import common_from_env


def main(arguments: list[str]) -> int:
    """Audit, print the outcome, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.operations.audit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    as_json = parser.parse_args(arguments).json
    stop = Stop()
    stop.listen()
    try:
        settings = common_from_env(os.environ)
        start_logging("audit", settings.process)
        report = audit(settings.kafka, settings.topics, stop.wait, _progress)
    except (PipelineError, KafkaError) as error:
        sys.stderr.write(f"audit: could not audit: {error or type(error).__name__}\n")
        return error.exit_code if isinstance(error, SettingsError | StoppedError) else EXIT_UNAVAILABLE
    sys.stdout.write((msgspec.json.encode(report).decode() if as_json else report.line()) + "\n")
    for kind, places in report.examples.items():
        if places and not as_json:
            sys.stdout.write(f"  {kind}, the first: {' '.join(places)}\n")
    return 0 if report.clean else EXIT_FAILURE


def _progress(read: int, started: float = time.monotonic()) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\raudit: {read:,} records read in {time.monotonic() - started:.0f} s ")


if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(main(sys.argv[1:]))
