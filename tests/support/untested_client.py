"""Runs a service as if its client were untested: ``python -m tests.support.untested_client SERVICE``.

The product has no hook for this: it is patched from outside.
"""

from __future__ import annotations

import runpy
import sys

from pipeline.runtime.batches import compatible

TESTED = ("0.0.1",)


def main() -> None:
    """Run the service that the command line names."""
    (module,) = sys.argv[1:]
    sys.argv[1:] = []
    compatible.TESTED = TESTED  # type: ignore[misc] # final for everybody else
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
