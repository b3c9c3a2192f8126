"""Commands whose reader leaves before they are done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pipeline.runtime.pipes import to_its_end

def command():
    for number in range(100_000):
        sys.stdout.write(f"line {number}\\n")
    return 0

sys.exit(to_its_end(command))
"""


def test_a_reader_that_leaves_is_no_error() -> None:
    """``| head -1`` ends it, without a word."""
    command = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "line 0\n"
    command.stdout.close()
    assert command.stderr is not None
    assert (command.wait(30), command.stderr.read()) == (141, "")
    command.stderr.close()


def test_a_reader_that_stays_has_all_of_it() -> None:
    """And the command's own exit code."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 100_000)
