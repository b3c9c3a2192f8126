"""``python -m fraud_processor``."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from fraud_processor.handler import FraudProcessor
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.service import Work, serve
from pipeline.runtime.service_settings import VARIABLES, ServiceSettings

NAME = "fraud_processor"


def process(settings: ServiceSettings, stop: Stop) -> None:
    """Tell of frauds until a stop is requested."""
    serve(NAME, settings, lambda codec, _: Work(FraudProcessor(codec, StagedLines(sys.stdout))), stop)


SERVICE = Service(NAME, "Raise the alarm for frauds, a line each.", VARIABLES, ServiceSettings.from_env, process)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
