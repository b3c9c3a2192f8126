"""The page in a real Chromium, on a real Kafka: what people see, and what attackers' transactions do to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from pipeline.contracts import topics
from tests.support.page import NASTY, Shown, page_of, paid, serious

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

GREEN, RED = "rgb(26, 127, 55)", "rgb(198, 40, 40)"


def test_what_happens_is_seen_in_colours_and_opened(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """Green and red, figures, and all of a transaction with its verdict."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        expect(page.locator("#state")).to_have_text("live")
        expect(page.locator("#empty")).to_have_text("No transaction has come within the last minutes.")
        pipeline.put(paid("t1", 12.5), paid("t2", 1980.05), paid("t3", -1))
        legit, fraud = page.locator("#rows tr.legit"), page.locator("#rows tr.fraud")
        expect(legit.locator(".badge")).to_have_css("color", GREEN)
        expect(fraud.locator(".badge")).to_have_css("color", RED)
        expect(page.locator("#empty")).to_be_hidden()
        for told in ("t2", "1,980.05 EUR", "TRANSFER", "A1", "B2", "large-amount: 1980.05 >= 900"):
            expect(fraud).to_contain_text(told)
        expect(page.locator("#rows tr.dead-letter")).to_contain_text("negative-amount")
        expect(page.locator("#tiles")).to_contain_text("1,980.05 EUR")
        expect(page.locator("#rules")).to_contain_text("large-amount")
        opening = fraud.get_by_role("button")
        opening.focus()
        page.keyboard.press("Enter")
        detail = page.locator("#detail")
        for told in (
            "1,980.05 EUR",
            "large-amount: ",
            "Rule large-amount",
            "transaction_idt2",
            "would have passed at",
            "899.99",
            "pipeline.origin",
        ):
            expect(detail).to_contain_text(told.removesuffix(": "))
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).to_be_hidden()
        expect(opening).to_be_focused()
        page.locator("#rules").get_by_role("button", name="large-amount").click()
        expect(page.locator("#rows tr")).to_have_count(1)


def test_rows_are_filtered_and_held_back(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """By account, rule and outcome; while it is paused nothing moves, and nothing is lost."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        pipeline.put(paid("t1", 1, "A1"), paid("t2", 2, "A2"), paid("t3", 950, "A2"))
        rows = page.locator("#rows tr")
        expect(rows).to_have_count(3)
        page.get_by_label("Account").fill("A2")
        page.get_by_role("button", name="Filter").click()
        expect(rows).to_have_count(2)
        page.get_by_label("Rule", exact=True).fill("large-amount")
        page.get_by_role("button", name="Filter").click()
        expect(rows).to_have_count(1)
        page.get_by_role("button", name="Pause").click()
        pipeline.put(paid("t4", 960, "A2"), paid("t5", 970, "A1"))
        expect(page.locator("#more")).to_contain_text("paused, 1 held back")
        expect(rows).to_have_count(1)
        page.get_by_role("button", name="Go on").click()
        expect(rows).to_have_count(2)
        page.get_by_role("button", name="Show all").click()
        expect(rows).to_have_count(5)
        page.get_by_label("Outcome").select_option("legit")
        expect(rows).to_have_count(2)
        page.get_by_label("Outcome").select_option("dead-letter")
        expect(page.locator("#empty")).to_contain_text("fits these filters")


def test_a_page_goes_on_after_the_dashboard_was_away(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """By itself, with what came meanwhile, and nothing twice."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        pipeline.put(paid("t1", 1), paid("t2", 950))
        expect(page.locator("#rows tr")).to_have_count(2)
        dashboard.stop()
        expect(page.locator("#state")).to_have_text("reconnecting")
        expect(page.locator("#lost")).to_contain_text("What is shown is of")
        pipeline.put(paid("t3", 3), paid("t4", 960))
        pipeline.wait_until_judged(4)
        dashboard.start()
        expect(page.locator("#state")).to_have_text("live")
        expect(page.locator("#lost")).to_be_hidden()
        expect(page.locator("#rows tr")).to_have_count(4)
        pipeline.put(paid("t5", 5))
        expect(page.locator("#rows tr")).to_have_count(5)


def test_no_field_is_more_than_text(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """Tags in every field of a transaction, in its members, its key and its headers."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        told = {
            "transaction_id": NASTY,
            "source": NASTY,
            "target": NASTY,
            "amount": 950,
            "currency": "EUR",
            NASTY: NASTY,
        }
        pipeline.put(json.dumps(told).encode(), json.dumps(told | {"currency": NASTY}).encode(), key=NASTY.encode())
        with pipeline.producer() as producer:  # headers stay where they came, and are seen there
            headers = [(NASTY, NASTY.encode())]
            producer.send(pipeline.name(topics.TRANSACTIONS), paid("t3", 1), headers=headers, partition=1).get(30)
        expect(page.locator("#rows tr")).to_have_count(3)
        for branch in ("fraud", "dead-letter"):
            page.locator(f"#rows tr.{branch} button").click()
            expect(page.locator("#detail-body pre")).to_contain_text("onerror")
            page.keyboard.press("Escape")
        assert page.locator("#rows img, #detail img, #rows script, #detail script").count() == 0
        expect(page.locator("#rows")).to_contain_text("<img src=x onerror=")
        page.get_by_role("link", name="Topics").click()
        page.get_by_role("button", name=pipeline.name(topics.TRANSACTIONS), exact=True).click()
        page.locator("#topic-partition").select_option("1")
        page.get_by_role("button", name="Read").click()
        expect(page.locator("#topic-body dt", has_text="onerror").locator("+ dd")).to_contain_text("onerror")
        assert page.locator("#topic img, #topic script").count() == 0
        assert page.evaluate("window.hurt") is None


def test_who_knows_the_token_gets_in(deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser) -> None:
    """Or the password: after a wrong one; logged out, the page is gone."""
    pipeline = deploy(partitions=1)
    token, password = "a-token-of-twenty-chars", "Größe & 100% + 日本語"
    dashboard = Shown(pipeline, tmp_path / "dashboard.log", DASHBOARD_TOKEN=token, DASHBOARD_PASSWORD=password)
    with page_of(browser, dashboard.address) as page:
        page.get_by_label("Token or password").fill("nonsense")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("That is neither the token nor the password.")
        assert serious(page) == []
        for known in (token, password):
            page.get_by_label("Token or password").fill(known)
            page.get_by_role("button", name="Log in").click()
            expect(page.locator("#state")).to_have_text("live")
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_label("Token or password")).to_be_visible()
        page.goto(dashboard.address)
        expect(page.get_by_label("Token or password")).to_be_visible()
