"""Cases on the page, in a real Chromium with a real fraud processor: worked off, and found by a transaction."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from fraud_processor.api.application import application
from pipeline.contracts import topics
from pipeline.runtime.http import Address, listen
from tests.support.case_files import opened
from tests.support.compose import free_ports
from tests.support.page import NASTY, Shown, page_of, paid, serious

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)


def test_a_case_is_worked_off(deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser) -> None:
    """From an alert to a label, with the fraud processor; what its texts say is text."""
    port = free_ports(1)[0]
    cases = {"CASES_API_TOKEN": TOKEN, "CASES_API_PORT": port}
    pipeline = deploy(partitions=1, CASES_API_URL=f"http://127.0.0.1:{port}", **cases)
    with pipeline.running("detector", "fraud_processor"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log")
        pipeline.put(paid("t1", 950, NASTY), paid("t2", 960, "A2"))
        with page_of(browser, dashboard.address) as page:
            expect(page.locator("#tiles")).to_contain_text("Open cases2")
            page.get_by_role("link", name="Cases").click()
            expect(page.locator("#cases tr")).to_have_count(2)
            assert serious(page) == []
            page.set_viewport_size({"width": 320, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth") == 320
            page.locator("#cases tr", has_text="onerror").get_by_role("button").click()
            expect(page.locator("#case-body")).to_contain_text("large-amount")
            assert page.evaluate("document.documentElement.scrollWidth") == 320
            assert serious(page) == []
            page.get_by_label("Your name").fill("ann")
            page.get_by_label("Note").fill(NASTY)
            page.get_by_role("button", name="Acknowledge").click()
            expect(page.locator("#case-body")).to_contain_text("acknowledged by ann")
            page.get_by_role("button", name="It is fraud").click()
            expect(page.locator("#case-body")).to_contain_text("confirmed by ann")
            expect(page.get_by_role("button", name="False alarm")).to_be_disabled()
            page.get_by_role("button", name="Done").click()
            expect(page.locator("#cases tr")).to_have_count(1)
            assert page.evaluate("window.hurt") is None
        (label,) = pipeline.wait_for_records(topics.LABELS, 1)
        assert json.loads(label.value)["fraud"]


def test_many_cases_are_listed_and_a_false_alarm_is_settled_later(
    deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser
) -> None:
    """Fifty at a time, and those before them; of one that was a false alarm the payment is not lost."""
    port = free_ports(1)[0]
    cases = {"CASES_API_TOKEN": TOKEN, "CASES_API_PORT": port}
    pipeline = deploy(partitions=1, CASES_API_URL=f"http://127.0.0.1:{port}", **cases)
    with pipeline.running("detector", "fraud_processor"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log")
        pipeline.put(*[paid(f"t{number}", 950, f"A{number}") for number in range(55)])
        with page_of(browser, dashboard.address) as page:
            expect(page.locator("#tiles")).to_contain_text("Open cases55")
            page.get_by_role("link", name="Cases").click()
            lines = page.locator("#cases tr")
            expect(lines).to_have_count(50)
            page.get_by_role("button", name="Older ones").click()
            expect(lines).to_have_count(55)
            expect(page.get_by_role("button", name="Older ones")).to_be_hidden()
            expect(lines.last).to_contain_text("case 1")
            about = lines.last.locator("td").nth(3).inner_text()
            lines.last.get_by_role("button").click()
            page.get_by_label("Your name").fill("ann")
            page.get_by_role("button", name="False alarm").click()
            settle = page.get_by_role("button", name="Settle its payments")
            settle.click()
            expect(page.locator("#case-body")).to_contain_text("released by ann")
            expect(settle).to_be_hidden()
        (released,) = pipeline.wait_for_records(topics.LEGIT, 1)
        assert about == f"source {json.loads(released.value)['source']}"


def test_a_fraud_leads_to_its_case(deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser) -> None:
    """Whoever looks before the fraud processor is there is told so, and sees its case as soon as there is one."""
    port = free_ports(1)[0]
    cases = {"CASES_API_TOKEN": TOKEN, "CASES_API_PORT": port}
    pipeline = deploy(partitions=1, CASES_API_URL=f"http://127.0.0.1:{port}", **cases)
    with pipeline.running("detector"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log")
        pipeline.put(paid(NASTY, 950, NASTY), paid("t2", 2), paid("t3", -1))
        with page_of(browser, dashboard.address, color_scheme="dark") as page:
            expect(page.locator("#rows tr")).to_have_count(3)
            told = page.locator("#detail-body dt", has_text=re.compile("^Case$")).locator("+ dd")
            for branch in ("legit", "dead-letter"):
                page.locator(f"#rows tr.{branch} button").click()
                expect(told).to_have_text("no case")
                page.keyboard.press("Escape")
            page.locator("#rows tr.fraud button").click()
            expect(told).to_have_text("the fraud processor does not answer")
            with opened(f"sqlite:///{pipeline.cases}") as engine:  # its interface is there, its reader is not
                served = listen(Address("127.0.0.1", int(port), "NAMES"), application(engine, TOKEN, lambda: None))
                expect(told).to_contain_text("not yet in a case")
                served.end()
            with pipeline.running("fraud_processor"):
                expect(told).to_have_text("case 1, open")
                assert serious(page) == []
                for _ in range(2):  # the same link leads there again
                    told.get_by_role("link").click()
                    expect(page.locator("#case-title")).to_have_text("Case 1")
                    expect(page.locator("#case-body")).to_contain_text("onerror")
                    expect(page.locator("#cases tr")).to_have_count(1)
                    expect(page.locator("#detail")).to_be_hidden()
                    page.keyboard.press("Escape")
                    page.get_by_role("link", name="Live").click()
                    page.locator("#rows tr.fraud button").click()
                    expect(told).to_have_text("case 1, open")
                assert page.evaluate("window.hurt") is None


def test_an_address_may_name_any_case(deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser) -> None:
    """Where there is none of that number it is told so; whatever else stands there opens nothing."""
    dashboard = Shown(deploy(partitions=1), tmp_path / "dashboard.log")
    with page_of(browser, f"{dashboard.address}/#cases/7") as page:
        case = page.locator("#case")
        for asked, told in (("7", "CASES_API_TOKEN"), ("4000000000", "it was refused")):
            page.evaluate("hash => { location.hash = hash; }", f"#cases/{asked}")
            expect(case).to_contain_text(told)
            expect(page.locator("#cases-told")).to_contain_text("CASES_API_TOKEN")
        for asked in ("#cases/0", "#cases/<img src=x onerror='window.hurt=1'>", "#cases/%00", "#cases/", "#live"):
            page.evaluate("hash => { location.hash = hash; }", asked)
            expect(case).to_be_hidden()
        assert page.evaluate("window.hurt") is None
