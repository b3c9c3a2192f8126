"""Whatever is sent to the dashboard and to the interface of the cases: an answer that their documents know, in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from tests.support.compose import free_ports
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.deployment import Deployment

# As long as somebody likes: FUZZ_SECONDS=600.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "15"))
SLOWEST_SECONDS = 10.0
TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400 + 3 * SECONDS)]


class Address(NamedTuple):
    """Where something is asked, and with which headers."""

    url: str
    headers: dict[str, str]


@pytest.fixture
def asked(deploy: Callable[..., Deployment], tmp_path: Path) -> Iterator[dict[str, Address]]:
    """Provide a dashboard and the interface of the cases, of a pipeline in which there is something to be found."""
    page, cases = free_ports(2)
    known = {"CASES_API_TOKEN": TOKEN, "CASES_API_PORT": cases}
    pipeline = deploy(partitions=1, CASES_API_URL=f"http://127.0.0.1:{cases}", **known)
    with pipeline.running("detector", "fraud_processor"):
        for number in range(5):
            paid = {"source": f"A{number}", "target": "B", "amount": 950, "currency": "EUR"}
            pipeline.put(json.dumps(paid).encode())
        pipeline.spawn("dashboard", tmp_path / "dashboard.log", DASHBOARD_PORT=page, DASHBOARD_TOKEN=TOKEN)
        found = {
            "dashboard": Address(f"http://127.0.0.1:{page}", {"X-Dashboard": "1"}),
            "cases": Address(f"http://127.0.0.1:{cases}", {"Authorization": f"Bearer {TOKEN}"}),
        }
        eventually(lambda: _answers(f"{found['dashboard'].url}/login"), WITHIN, "the dashboard")
        eventually(lambda: _count(found["cases"]) == 5, WITHIN, "five cases")
        with httpx.Client(base_url=found["dashboard"].url, trust_env=False) as client:
            client.post("/login", data={"token": TOKEN}, timeout=30)
            cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        found["dashboard"].headers["Cookie"] = cookies
        yield found


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=30).status_code == 200
    except httpx.HTTPError:
        return False


def _count(cases: Address) -> int:
    try:
        return len(httpx.get(f"{cases.url}/cases", headers=cases.headers, trust_env=False, timeout=30).json())
    except httpx.HTTPError:
        return -1


def test_no_input_is_an_error_of_ours(asked: dict[str, Address], tmp_path: Path) -> None:
    """By their own documents, with what fits and what does not: no answer that those do not know."""
    for name, where in asked.items():
        run = fuzzed(where, tmp_path)
        assert run.returncode == 0, f"{name}:\n{run.stdout[-6_000:]}{run.stderr[-2_000:]}"


def fuzzed(where: Address, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let Schemathesis ask whatever it thinks of; the stream never ends, and has tests of its own."""
    headers = [part for name, value in where.headers.items() for part in ("--header", f"{name}: {value}")]
    bounds = ["--max-time", str(SECONDS), "--max-response-time", str(SLOWEST_SECONDS), "--request-timeout", "30"]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{where.url}/openapi.json", *headers, *bounds]
    command += ["--exclude-path", "/api/stream", "--exclude-path", "/logout", "--no-color"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180 + SECONDS)
