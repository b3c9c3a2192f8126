"""The innermost loop, compiled in a copy of the project: it does what the interpreted one does, or does not start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from compiling.copying import can_compile, compiled_copy
from pipeline.runtime.compiled import COMPILED, INTERPRETED
from tests.support.broker import BOOTSTRAP_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.broker import Broker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

# What the tests need beside the services.
COPIED: Final = ("kafka_local", "bench", "demo", "tests", "pyproject.toml")
# Of all that the compiled modules do.
TESTS: Final = {
    "records": (
        "tests/unit/test_batches_pieces.py",
        "tests/unit/test_batches_publishing.py",
        "tests/unit/test_batches_wire.py",
        "tests/unit/test_hops.py",
        "tests/unit/test_loop.py",
        "tests/unit/test_output.py",
        "tests/unit/test_record_paths.py",
        "tests/unit/test_sending.py",
    ),
    "transactions": (
        "tests/unit/test_codec.py",
        "tests/unit/test_formats.py",
        "tests/unit/test_jsonobject_oracle.py",
        "tests/unit/test_money.py",
        "tests/unit/test_plain.py",
    ),
    "rules": (
        "tests/unit/test_passing_amount.py",
        "tests/unit/test_staged_detector.py",
        "tests/unit/test_verdict_bytes.py",
        "tests/unit/test_windows.py",
        "tests/unit/test_windows_limits.py",
        "tests/unit/test_windows_oracle.py",
        "tests/unit/test_windows_snapshots.py",
    ),
    "a real Kafka": ("tests/integration/test_routing.py",),
}


def run(copy: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Return how a command of Python ended in a copy."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def told(copy: Path) -> str:
    """Return how the code of a copy says that it runs, or why it does not."""
    ended = run(copy, "-c", "from pipeline.runtime.compiled import how_it_runs; print(how_it_runs())")
    return ended.stdout.strip() or ended.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a compiled copy; a test may change it and has to leave it as it was."""
    if not can_compile():
        pytest.skip("no C compiler here, or no headers of Python")
    copied = tmp_path_factory.mktemp("compiled")
    compiled_copy(copied, COPIED)
    assert told(copied) == COMPILED
    return copied


@pytest.mark.parametrize("what", TESTS)
def test_what_is_compiled_passes_the_tests_of_what_is_not(what: str, copy: Path, kafka: Broker) -> None:
    """Byte for byte the same records, the same refusals, the same order of steps."""
    address = {BOOTSTRAP_VARIABLE: kafka.bootstrap}
    ended = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS[what], **address)
    assert ended.returncode == 0, ended.stdout[-4_000:] + ended.stderr[-1_000:]


@pytest.mark.parametrize("changed", ["pipeline/contracts/money.py", "detector/rules/windows/view.py"])
def test_what_was_compiled_from_other_sources_does_not_run(changed: str, copy: Path) -> None:
    """A change that has no effect would be looked for in vain, in a service and a command as in a test."""
    source = copy / changed
    before = source.read_text()
    try:
        source.write_text(before + "\n")
        assert "StaleBuildError" in told(copy)
        for module, *more in ["detector"], ["pipeline.operations.audit"], ["pytest", "-q", *TESTS["transactions"]]:
            ended = run(copy, "-m", module, *more, KAFKA_BROKER_URL="localhost:1")
            assert ended.returncode != 0
            assert "make compiled" in ended.stdout + ended.stderr
    finally:
        source.write_text(before)
    assert told(copy) == COMPILED


def test_a_build_that_fails_leaves_nothing_behind(copy: Path, tmp_path: Path) -> None:
    """Everything runs interpreted then, as it did before."""
    other = tmp_path / "other"
    shutil.copytree(copy, other, ignore=shutil.ignore_patterns("build", "tests"))
    assert told(other) == COMPILED
    ended = run(other, "-m", "compiling", CC="false")
    assert ended.returncode == 1
    assert "C compiler" in ended.stderr
    assert told(other) == INTERPRETED
    assert not list(other.rglob("*.so"))
