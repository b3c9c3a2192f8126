"""The page in a real Chromium, on a real Kafka: what people see, and what attackers' transactions do to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from pipeline.contracts import topics
from tests.support.eventually import eventually
from tests.support.page import NASTY, WITHIN_MS, Shown, page_of, paid, serious

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

GREEN, RED = "rgb(26, 127, 55)", "rgb(198, 40, 40)"


@pytest.fixture
def shown(deploy: Callable[..., Deployment], tmp_path: Path) -> Iterator[tuple[Deployment, Shown]]:
    """Provide a pipeline that judges, with its dashboard."""
    pipeline = deploy(partitions=2)
    with pipeline.running("detector"):
        yield pipeline, Shown(pipeline, tmp_path / "dashboard.log")


def test_what_happens_is_seen_in_colours_and_opened(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """Green and red, figures, and all of a transaction with its verdict."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        expect(page.locator("#state")).to_have_text("live", timeout=WITHIN_MS)
        expect(page.locator("#empty")).to_have_text("No transaction has come within the last minutes.")
        pipeline.put(paid("t1", 12.5), paid("t2", 1980.05), paid("t3", -1))
        legit, fraud = page.locator("#rows tr.legit"), page.locator("#rows tr.fraud")
        expect(legit.locator(".badge")).to_have_css("color", GREEN, timeout=WITHIN_MS)
        expect(fraud.locator(".badge")).to_have_css("color", RED, timeout=WITHIN_MS)
        expect(page.locator("#empty")).to_be_hidden()
        for told in ("t2", "1,980.05 EUR", "TRANSFER", "A1", "B2", "large-amount: 1980.05 >= 900"):
            expect(fraud).to_contain_text(told)
        expect(page.locator("#rows tr.dead-letter")).to_contain_text("negative-amount", timeout=WITHIN_MS)
        expect(page.locator("#tiles")).to_contain_text("1,980.05 EUR", timeout=WITHIN_MS)
        expect(page.locator("#rules")).to_contain_text("large-amount", timeout=WITHIN_MS)
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
            expect(detail).to_contain_text(told.removesuffix(": "), timeout=WITHIN_MS)
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).to_be_hidden()
        expect(opening).to_be_focused()
        page.locator("#rules").get_by_role("button", name="large-amount").click()
        expect(page.locator("#rows tr")).to_have_count(1, timeout=WITHIN_MS)


def test_rows_are_filtered_and_held_back(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """By account, rule and outcome; while it is paused nothing moves, and nothing is lost."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        pipeline.put(paid("t1", 1, "A1"), paid("t2", 2, "A2"), paid("t3", 950, "A2"))
        rows = page.locator("#rows tr")
        expect(rows).to_have_count(3, timeout=WITHIN_MS)
        page.get_by_label("Account").fill("A2")
        page.get_by_role("button", name="Filter").click()
        expect(rows).to_have_count(2, timeout=WITHIN_MS)
        page.get_by_label("Rule", exact=True).fill("large-amount")
        page.get_by_role("button", name="Filter").click()
        expect(rows).to_have_count(1, timeout=WITHIN_MS)
        page.get_by_role("button", name="Pause").click()
        pipeline.put(paid("t4", 960, "A2"), paid("t5", 970, "A1"))
        expect(page.locator("#more")).to_contain_text("paused, 1 held back", timeout=WITHIN_MS)
        expect(rows).to_have_count(1)
        page.get_by_role("button", name="Go on").click()
        expect(rows).to_have_count(2)
        page.get_by_role("button", name="Show all").click()
        expect(rows).to_have_count(5, timeout=WITHIN_MS)
        page.get_by_label("Outcome").select_option("legit")
        expect(rows).to_have_count(2, timeout=WITHIN_MS)
        page.get_by_label("Outcome").select_option("dead-letter")
        expect(page.locator("#empty")).to_contain_text("fits these filters", timeout=WITHIN_MS)


def test_a_page_goes_on_after_the_dashboard_was_away(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """By itself, with what came meanwhile, and nothing twice."""
    pipeline, dashboard = shown
    with page_of(browser, dashboard.address) as page:
        pipeline.put(paid("t1", 1), paid("t2", 950))
        expect(page.locator("#rows tr")).to_have_count(2, timeout=WITHIN_MS)
        dashboard.stop()
        expect(page.locator("#state")).to_have_text("reconnecting", timeout=WITHIN_MS)
        expect(page.locator("#lost")).to_contain_text("What is shown is of")
        pipeline.put(paid("t3", 3), paid("t4", 960))
        pipeline.wait_until_judged(4)
        dashboard.start()
        expect(page.locator("#state")).to_have_text("live", timeout=WITHIN_MS)
        expect(page.locator("#lost")).to_be_hidden()
        expect(page.locator("#rows tr")).to_have_count(4, timeout=WITHIN_MS)
        pipeline.put(paid("t5", 5))
        expect(page.locator("#rows tr")).to_have_count(5, timeout=WITHIN_MS)


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
        expect(page.locator("#rows tr")).to_have_count(3, timeout=WITHIN_MS)
        for branch in ("fraud", "dead-letter"):
            page.locator(f"#rows tr.{branch} button").click()
            expect(page.locator("#detail-body pre")).to_contain_text("onerror", timeout=WITHIN_MS)
            page.keyboard.press("Escape")
        assert page.locator("#rows img, #detail img, #rows script, #detail script").count() == 0
        expect(page.locator("#rows")).to_contain_text("<img src=x onerror=")
        page.get_by_role("link", name="Topics").click()
        page.get_by_role("button", name=pipeline.name(topics.TRANSACTIONS), exact=True).click(timeout=WITHIN_MS)
        page.locator("#topic-partition").select_option("1")
        page.get_by_role("button", name="Read").click()
        expect(page.locator("#topic-body dt", has_text="onerror").locator("+ dd")).to_contain_text("onerror")
        assert page.locator("#topic img, #topic script").count() == 0
        assert page.evaluate("window.hurt") is None


NASTY_RULES = """
rules:
  - {id: large-amount, description: "<img src=x onerror='window.hurt=1'>", when: amount >= 500, currency: any,
     severity: high, message: "{amount} is large"}
  - {id: tried, when: amount >= 100, currency: any, mode: shadow, severity: low, score: 40}
lists: [{id: denied, type: deny, on: target, entries: [nobody]}]
"""


def test_rules_are_looked_into(shown: tuple[Deployment, Shown], browser: Browser, tmp_path: Path) -> None:
    """Those in force with what they do, and each version with what it has changed; whoever wrote it."""
    pipeline, dashboard = shown
    file = tmp_path / "mine.yaml"
    file.write_text(NASTY_RULES)
    pushed = pipeline.run("detector.rules", "push", str(file), "--author", NASTY, "--reason", NASTY)
    assert pushed.returncode == 0, pushed.stderr
    pipeline.put(paid("t1", 1))

    def judged_anew() -> bool:
        pipeline.put(paid("t2", 700), paid("t3", 200))
        return bool(pipeline.records(topics.FRAUD))

    eventually(judged_anew, 30, "the rules that were pushed to be in force")
    for scheme, width in (("light", 1280), ("dark", 320)):
        viewport = {"width": width, "height": 800}
        with page_of(browser, f"{dashboard.address}/#rules", viewport=viewport, color_scheme=scheme) as page:
            rules = page.locator("#rules-in-force tr")
            expect(rules).to_have_count(2, timeout=WITHIN_MS)
            expect(rules.first).to_contain_text("amount >= 500")
            expect(page.locator("#rules-put")).to_contain_text("onerror")
            expect(page.locator("#rules-put")).to_contain_text("yes, the last fraud at 2")
            expect(page.locator("#lists")).to_contain_text("entries: nobody")
            expect(page.locator("#versions tr")).to_have_count(2)
            expect(page.locator("#versions tr").first).to_contain_text("in force")
            assert serious(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.get_by_role("button", name="large-amount").click()
            expect(page.locator("#rule-body")).to_contain_text("onerror")
            assert serious(page) == []
            page.keyboard.press("Escape")
            page.locator("#versions button").first.click()
            expect(page.locator("#rule-body .added").first).to_contain_text("+", timeout=WITHIN_MS)
            expect(page.locator("#rule-body")).to_contain_text("mode: shadow")
            assert serious(page) == []
            page.get_by_role("button", name="Close").click()
            assert page.evaluate("window.hurt") is None
    with page_of(browser, f"{dashboard.address}/#rules") as page:
        shadow = page.locator("#rules-in-force tr", has_text="tried")
        expect(shadow).to_contain_text("shadow", timeout=WITHIN_MS)
        shadow_hits = len(pipeline.records(topics.LEGIT))
        assert shadow_hits > 1
        expect(shadow.locator("td").nth(4)).to_contain_text("shadow")


def test_topics_are_looked_into(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """Every topic and group; messages from an offset on, whatever stands in them."""
    pipeline, dashboard = shown
    pipeline.put(paid("t1", 1, NASTY), paid("t2", 2), key=b"\xff<b>")
    pipeline.wait_until_settled("detector", 2)
    with page_of(browser, f"{dashboard.address}/#topics") as page:
        name = pipeline.name(topics.TRANSACTIONS)
        row = page.locator("#topics tr", has_text=name).first
        expect(row).to_contain_text("7 days", timeout=WITHIN_MS)
        expect(row).to_contain_text(re.compile(r"\d B|KiB"))
        group = page.locator("#groups tr", has_text=pipeline.settings.kafka.group_of("detector"))
        expect(group).to_contain_text("0: 2, lag 0", timeout=WITHIN_MS)
        assert serious(page) == []
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.get_by_role("button", name=name, exact=True).click()
        messages = page.locator("#topic-body section")
        expect(messages).to_have_count(2, timeout=WITHIN_MS)
        expect(messages.last).to_contain_text("onerror")
        expect(messages.last).to_contain_text("\\xff<b>")
        page.get_by_label("From offset").fill("1")
        page.get_by_role("button", name="Read").click()
        expect(messages).to_have_count(1, timeout=WITHIN_MS)
        page.get_by_label("From offset").fill("")
        for year, count in ((2020, 2), (2100, 0)):
            page.get_by_label("From time").fill(f"{year}-01-01T00:00:00")
            page.get_by_role("button", name="Read").click()
            expect(page.locator("#topic-body > *")).to_have_count(max(count, 1), timeout=WITHIN_MS)
            expect(messages).to_have_count(count)
        assert serious(page) == []
        page.get_by_role("button", name="Done").click()
        expect(page.locator("#topic")).to_be_hidden()
        assert page.evaluate("window.hurt") is None
        for path in ("/api/topics/none/0", f"/api/topics/{name}/99", "/api/topics/__consumer_offsets/0"):
            assert httpx.get(f"{dashboard.address}{path}", trust_env=False).status_code == 404


def test_what_stands_between_two_stages_is_no_secret(
    deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser
) -> None:
    """The detector reads its hops, too: how far, and how far behind, is told as of any topic."""
    pipeline = deploy(partitions=1, RULE_KEYS="target")
    with pipeline.running("detector"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log")
        pipeline.put(paid("t1", 1))
        with page_of(browser, dashboard.address) as page:
            expect(page.locator("#rows tr")).to_have_count(1, timeout=WITHIN_MS)
            expect(page.locator("#lags")).to_contain_text("detector, by-target", timeout=WITHIN_MS)
            page.get_by_role("link", name="Topics").click()
            expect(page.locator("#groups tr", has_text="by-target")).to_contain_text("lag", timeout=WITHIN_MS)


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
            expect(page.locator("#state")).to_have_text("live", timeout=WITHIN_MS)
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_label("Token or password")).to_be_visible()
        page.goto(dashboard.address)
        expect(page.get_by_label("Token or password")).to_be_visible()
