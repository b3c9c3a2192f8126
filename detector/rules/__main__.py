"""``python -m detector.rules``: check files of rules, put them in force, and the schema that editors read."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from detector.rules.command import main
from pipeline.runtime.pipes import to_its_end

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(to_its_end(lambda: main(sys.argv[1:], os.environ)))
