"""Every view of the page, light and dark, on a telephone and on a desk: it fits, and a screen reader can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from pipeline.contracts import topics
from tests.support.compose import free_ports
from tests.support.page import Shown, page_of, paid, serious

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)
DARK = "rgb(14, 18, 22)"
LONG = "W" * 256  # the widest letter, in the longest name that is taken
NARROW = 320
MANY = [("light", NARROW), ("dark", NARROW), ("light", 1280), ("dark", 1280), ("light", 2560)]


def test_every_view_fits_and_can_be_read(deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser) -> None:
    """However long names are: nothing scrolls sideways but tables, and axe finds nothing serious."""
    port = free_ports(1)[0]
    cases = {"CASES_API_TOKEN": TOKEN, "CASES_API_PORT": port}
    pipeline = deploy(partitions=2, CASES_API_URL=f"http://127.0.0.1:{port}", **cases)
    with pipeline.running("detector", "legit_processor", "fraud_processor"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log", DASHBOARD_TOKEN=TOKEN)
        pipeline.put(paid("t1", 1), paid(LONG, 123456789012345.67, LONG, target=LONG, more=LONG), paid("t3", -1))
        for scheme, width in MANY:
            viewport = {"width": width, "height": 800}
            with page_of(browser, dashboard.address, viewport=viewport, color_scheme=scheme) as page:
                look_at_all(page, width, scheme, pipeline.name(topics.FRAUD))
    with page_of(browser, dashboard.address, viewport={"width": 320, "height": 800}, color_scheme="dark") as page:
        log_in(page)
        expect(page.locator("#state")).to_have_text("live")
        dashboard.stop()
        expect(page.locator("#lost")).to_be_visible()
        fits(page, 320, "lost")


def log_in(page: Page) -> None:
    """Pass the first page."""
    page.get_by_label("Token or password").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()


def look_at_all(page: Page, width: int, scheme: str, topic: str) -> None:
    """Go through all that there is to see."""
    fits(page, width, "login")
    log_in(page)
    expect(page.locator("#rows tr")).to_have_count(3)
    expect(page.locator("#tiles")).to_contain_text("Open cases1")
    assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK) == (scheme == "dark")
    fits(page, width, "live")
    page.locator("#rows tr.fraud button").click()
    expect(page.locator("#detail-body pre")).to_be_visible()
    expect(page.locator("#detail-body a")).to_be_visible()
    closes(page, width, "transaction")
    for view, lines in (("Cases", "#cases"), ("Rules", "#rules-in-force"), ("Topics", "#topics")):
        page.get_by_role("link", name=view).click()
        expect(page.locator(f"{lines} tr").first).to_be_visible()
        fits(page, width, view)
    page.get_by_role("button", name=topic, exact=True).click()
    expect(page.locator("#topic-body section")).to_have_count(1)
    closes(page, width, "messages")
    page.get_by_role("link", name="Rules").click()
    for lines, body in (("#rules-in-force", "#rule-body dl"), ("#versions", "#rule-body pre")):
        page.locator(f"{lines} button").first.click()
        expect(page.locator(body).first).to_be_visible()
        closes(page, width, lines)
    page.get_by_role("link", name="Cases").click()
    page.locator("#cases button").first.click()
    expect(page.locator("#case-body dl").first).to_be_visible()
    closes(page, width, "case")


def closes(page: Page, width: int, view: str) -> None:
    """Look at what was opened, a dialog of its own, and close it by a key."""
    fits(page, width, view)
    opened = page.locator("dialog[open]")
    expect(opened).to_have_count(1)
    assert opened.evaluate("one => one.scrollWidth <= one.clientWidth"), view
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)


def fits(page: Page, width: int, view: str) -> None:
    """Expect it as wide as the screen, on a telephone tables as well, and axe to find nothing serious."""
    assert page.evaluate("document.documentElement.scrollWidth") == width, view
    if width == NARROW:
        tables = page.locator(".wide:visible")
        assert tables.evaluate_all("all => all.filter((one) => one.scrollWidth > one.clientWidth).length") == 0, view
    assert serious(page) == [], view
