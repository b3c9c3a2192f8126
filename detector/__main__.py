"""``python -m detector``."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from detector.handler import Detector
from detector.settings import VARIABLES, DetectorSettings
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.service import serve


def detect(settings: DetectorSettings, stop: Stop) -> None:
    """Judge transactions until a stop is requested."""
    serve("detector", settings.service, lambda codec: Detector(codec, settings.rules), stop)


SERVICE = Service(
    "detector", "Judge transactions and route them to legit or fraud.", VARIABLES, DetectorSettings.from_env, detect
)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
