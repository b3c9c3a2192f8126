"""``python -m demo``: the whole pipeline on this machine, without Docker."""

import os
import sys
from pathlib import Path

from dotenv import find_dotenv, load_dotenv

from demo.effects import cases_told, ledger_told
from demo.processes import LocalKafka
from demo.settings import CASES, LEDGER, LOGS, DemoSettings
from demo.show import show
from kafka_local.guard import Guard
from pipeline.errors import EXIT_FAILURE, PipelineError
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.database.settings import CASES_DATABASE_URL, LEDGER_DATABASE_URL
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.logs import start_logging

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the demo and return its exit code: 0 where nothing was lost or doubled."""
    stop = Stop()
    stop.listen()
    guard, kafka = Guard(), LocalKafka(ROOT)
    try:
        kafka.start()
        settings = DemoSettings.from_env(os.environ, kafka.brokers)
        start_logging("demo", settings.common.process)
        LOGS.mkdir(parents=True, exist_ok=True)
        # Of another Kafka, which is gone.
        for file in (LEDGER, CASES):
            for end in ("", "-wal", "-shm"):
                file.with_name(file.name + end).unlink(missing_ok=True)
        report = show(settings, guard, ROOT, LOGS, stop)
    except (PipelineError, KafkaError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return EXIT_FAILURE
    finally:
        guard.release()
        kafka.stop()
    sys.stdout.write(report.line() + "\n")
    told = (
        *ledger_told(settings.environ[LEDGER_DATABASE_URL.name]),
        *cases_told(settings.environ[CASES_DATABASE_URL.name]),
    )
    sys.stdout.writelines(f"{line}\n" for line in told)
    return 0 if report.clean else EXIT_FAILURE


if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(main())
