"""``python -m kafka_local``: see ``arguments`` for what it takes, ``command`` for what it does."""

from __future__ import annotations

import os
import sys

from kafka_local.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, os.getppid()))
