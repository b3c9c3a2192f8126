"""The dashboard as a process of its own, and its page in a browser, for tests."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.support.browser import WITHIN_MS
from tests.support.compose import free_ports
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.deployment import Deployment

NASTY: Final = "<img src=x onerror='window.hurt=1'><script>window.hurt=1</script>\"'`{{7*7}}"


def paid(name: str, amount: float, source: str = "A1", **more: Any) -> bytes:
    """Return a transfer."""
    members = {"transaction_id": name, "source": source, "target": "B2", "amount": amount, "currency": "EUR", **more}
    return json.dumps(members).encode()


class Shown:
    """A dashboard that can be stopped and started at the same address."""

    def __init__(self, pipeline: Deployment, log: Path, **variables: str) -> None:
        self._pipeline, self._log, self._variables = pipeline, log, variables
        self.port = str(free_ports(1)[0])
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = self._pipeline.spawn("dashboard", self._log, DASHBOARD_PORT=self.port, **self._variables)
        eventually(self._answers, WITHIN_MS / 1000, f"the dashboard at {self.address}")

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/login", trust_env=False, timeout=30).status_code < 500
        except httpx.HTTPError:
            return False


@contextmanager
def page_of(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """Yield a page; an error of its scripts fails the test."""
    opened = browser.new_context(**context)
    opened.set_default_timeout(WITHIN_MS)
    page = opened.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    try:
        yield page
    finally:
        opened.close()
    assert errors == []


def serious(page: Page) -> list[str]:
    """Return what axe-core finds of a serious or critical kind."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
