"""``python -m pipeline.operations.deadletters``: see, send again, set aside, go on."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from pipeline.errors import EXIT_FAILURE, PipelineError
from pipeline.operations.deadletters.command import COMMANDS, parse
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.compiled import refuse_stale_build
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.logs import start_logging
from pipeline.runtime.pipes import to_its_end
from pipeline.runtime.settings import common_from_env, of_a_command


def main(arguments: list[str]) -> int:
    """Carry out one command and return its exit code."""
    asked = parse(arguments)
    stop = Stop()
    stop.listen()
    try:
        refuse_stale_build()
        settings = common_from_env(of_a_command(os.environ))
        start_logging("deadletters", settings.process)
        return COMMANDS[asked.command](asked, settings, stop)
    except (PipelineError, KafkaError) as error:
        sys.stderr.write(f"deadletters: {error or type(error).__name__}\n")
        return error.exit_code if isinstance(error, PipelineError) else EXIT_FAILURE


if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(to_its_end(lambda: main(sys.argv[1:])))
