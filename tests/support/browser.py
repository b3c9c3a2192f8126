"""A real Chromium: one that is installed; none is fetched."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
VARIABLE: Final = "CHROMIUM"
WITHIN_MS: Final = 120_000  # as long as others wait for services, on a machine that is busy


def chromium() -> str | None:
    """Return the path of the browser: the one that is named, else one that is installed; None where there is none."""
    return os.environ.get(VARIABLE) or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Provide a browser without a window; it is an error that there is none where FRAUD_REQUIRE_CHROMIUM=1."""
    path = chromium()
    if path is None:
        why = f"no Chromium is installed (Debian: apt-get install chromium); {VARIABLE} may say where one is"
        if os.environ.get("FRAUD_REQUIRE_CHROMIUM") == "1":
            pytest.fail(f"FRAUD_REQUIRE_CHROMIUM=1, and {why}")
        pytest.skip(why)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        # What is expected of a page is not how fast a busy machine shows it: five seconds are what Playwright gives it.
        expect.set_options(timeout=WITHIN_MS)
        launched = playwright.chromium.launch(executable_path=path, args=arguments, timeout=WITHIN_MS)
        yield launched
        launched.close()
