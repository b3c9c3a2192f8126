"""``make screenshots``: the pictures of the dashboard in the documents, of a demo that runs for a minute."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect, sync_playwright

from tests.support.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = ROOT / "docs" / "images"
DEMO_SECONDS: Final = "330"
FILLED: Final = 24_000  # transactions, 100 a second: a good part of the charts
WITHIN_MS: Final = 30_000
VIEWS: Final = (("light", "light", 1280, 900), ("dark", "dark", 1280, 900), ("phone", "light", 390, 844))


def main() -> int:
    """Run the demo, take the pictures, return the exit code."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "DEMO_SECONDS": DEMO_SECONDS}
    demo = subprocess.Popen([sys.executable, "-m", "demo"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    address = next((found[1] for line in demo.stdout if (found := re.match(r"the page: (http\S+)", line))), None)
    if address is None:
        sys.stderr.write("screenshots: the demo has told of no page\n")
        return 1
    sys.stderr.write(f"screenshots: {address}, waiting for {FILLED:,} transactions\n")
    if not any(int(found[1]) >= FILLED for line in demo.stdout if (found := re.search(r" s +in (\d+) ", line))):
        sys.stderr.write(f"screenshots: the demo ended before there were {FILLED:,} transactions\n")
        return 1
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        for name, scheme, width, height in VIEWS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(address)
            expect(page.locator("#rows tr").nth(20)).to_be_attached(timeout=WITHIN_MS)
            page.wait_for_timeout(2_500)
            expect(page.locator("#rows tr:nth-child(-n+8).fraud").first).to_be_attached(timeout=WITHIN_MS)
            take(page, f"live-{name}")
            if name == "light":
                transaction(page)
                cases(page)
                rules(page)
                topics(page)
            context.close()
        browser.close()
    demo.communicate()
    return 0


def transaction(page: Page) -> None:
    """Take a fraud in full."""
    page.get_by_label("Outcome").select_option("fraud")
    page.locator("#rows tr.fraud button").first.click(timeout=WITHIN_MS)
    expect(page.locator("#detail-body pre")).to_be_visible(timeout=WITHIN_MS)
    expect(page.locator("#detail-body dd a")).to_be_visible(timeout=WITHIN_MS)
    take(page, "transaction")
    page.keyboard.press("Escape")


def cases(page: Page) -> None:
    """Take the list of cases, and one of them."""
    page.get_by_role("link", name="Cases").click()
    expect(page.locator("#cases tr").first).to_be_visible(timeout=WITHIN_MS)
    take(page, "cases")
    page.locator("#cases tr button").first.click()
    expect(page.locator("#case-body dl").first).to_be_visible(timeout=WITHIN_MS)
    take(page, "case")


def rules(page: Page) -> None:
    """Take the rules in force."""
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Rules").click()
    expect(page.locator("#rules-in-force tr").nth(2)).to_be_visible(timeout=WITHIN_MS)
    take(page, "rules")


def topics(page: Page) -> None:
    """Take the topics and their readers."""
    page.get_by_role("link", name="Topics").click()
    expect(page.locator("#groups tr").nth(2)).to_be_visible(timeout=WITHIN_MS)
    take(page, "topics")


def take(page: Page, name: str) -> None:
    """Write a picture."""
    page.screenshot(path=IMAGES / f"{name}.png")
    sys.stderr.write(f"screenshots: docs/images/{name}.png\n")


if __name__ == "__main__":
    sys.exit(main())
