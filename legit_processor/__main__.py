"""``python -m legit_processor``."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from legit_processor.handler import LegitProcessor
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.service import serve
from pipeline.runtime.service_settings import VARIABLES, ServiceSettings

NAME = "legit_processor"


def process(settings: ServiceSettings, stop: Stop) -> None:
    """Settle legitimate transactions until a stop is requested."""
    serve(NAME, settings, lambda codec: LegitProcessor(codec, StagedLines(sys.stdout)), stop)


SERVICE = Service(NAME, "Settle legitimate transactions, a line each.", VARIABLES, ServiceSettings.from_env, process)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
