"""Rules and topics on the page, in a real Chromium, on a real Kafka: looked into, whoever wrote what stands there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from pipeline.contracts import topics
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.page import NASTY, Shown, page_of, paid, serious

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

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

    eventually(judged_anew, WITHIN, "the rules that were pushed to be in force")
    for scheme, width in (("light", 1280), ("dark", 320)):
        viewport = {"width": width, "height": 800}
        with page_of(browser, f"{dashboard.address}/#rules", viewport=viewport, color_scheme=scheme) as page:
            rules = page.locator("#rules-in-force tr")
            expect(rules).to_have_count(2)
            expect(rules.first).to_contain_text("amount >= 500")
            expect(page.locator("#rules-put")).to_contain_text("onerror")
            expect(page.locator("#rules-put")).to_contain_text("found by this version")
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
            expect(page.locator("#rule-body .added").first).to_contain_text("+")
            expect(page.locator("#rule-body")).to_contain_text("mode: shadow")
            assert serious(page) == []
            page.get_by_role("button", name="Close").click()
            assert page.evaluate("window.hurt") is None
    with page_of(browser, f"{dashboard.address}/#rules") as page:
        shadow = page.locator("#rules-in-force tr", has_text="tried")
        expect(shadow).to_contain_text("shadow")
        shadow_hits = len(pipeline.records(topics.LEGIT))
        assert shadow_hits > 1
        expect(shadow.locator(".hits")).to_contain_text("shadow")


def test_a_rule_that_was_pushed_is_warming_until_it_is_judged_by(
    deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser
) -> None:
    """An analyst who stays on the page sees in how many partitions it is judged by, and when in all of them."""
    pipeline = deploy(partitions=2)
    file = tmp_path / "mine.yaml"
    push = ("detector.rules", "push", str(file), "--author", "ann")
    file.write_text("rules:\n  - {id: large-amount, when: amount >= 500, currency: any, severity: high}\n")
    assert pipeline.run(*push).returncode == 0
    both = [paid("t1", 1), paid("t2", 2)]
    with pipeline.running("detector"):
        pipeline.put_many(both)
        pipeline.wait_until_settled("detector", 2)
    dashboard = Shown(pipeline, tmp_path / "dashboard.log")
    with page_of(browser, f"{dashboard.address}/#rules") as page:
        standing, lines = page.locator("#rules-standing"), page.locator("#rules-in-force tr")
        expect(standing).to_have_text("Ready: 2 of 2 partitions judge by it.")
        file.write_text(f"{file.read_text()}  - {{id: many, when: count() > 3, key: source, window: 1h}}\n")
        assert pipeline.run(*push).returncode == 0
        pipeline.put(paid("t3", 3))
        expect(standing).to_contain_text("Warming: 0 of 2 partitions judge by it")
        expect(standing).to_contain_text("No detector runs")
        expect(lines.nth(0).locator(".by")).to_have_text("2 of 2 partitions")
        expect(lines.nth(1).locator(".by")).to_have_text("warming: 0 of 2 partitions")
        expect(page.locator("#rules-put .places li").first).to_contain_text("1 wait")
        assert serious(page) == []
        page.get_by_role("button", name="many").focus()
        with pipeline.running("detector"):
            expect(standing).to_have_text("In force: 1 of 2 partitions judge by it; nothing has come to 1 since.")
            expect(lines.nth(1).locator(".by")).to_have_text("1 of 2 partitions")
            expect(page.locator("#versions tr").nth(1).locator(".by")).to_have_text("1 of 2 partitions")
            pipeline.put_many(both)
            expect(standing).to_have_text("Ready: 2 of 2 partitions judge by it.")
        expect(lines.nth(1).locator(".by")).to_have_text("2 of 2 partitions")
        expect(page.get_by_role("button", name="many")).to_be_focused()  # what changes leaves the lines alone


def test_topics_are_looked_into(shown: tuple[Deployment, Shown], browser: Browser) -> None:
    """Every topic and group; messages from an offset on, whatever stands in them."""
    pipeline, dashboard = shown
    pipeline.put(paid("t1", 1, NASTY), paid("t2", 2), key=b"\xff<b>")
    pipeline.wait_until_settled("detector", 2)
    with page_of(browser, f"{dashboard.address}/#topics") as page:
        name = pipeline.name(topics.TRANSACTIONS)
        row = page.locator("#topics tr", has_text=name).first
        expect(row).to_contain_text("7 days")
        expect(row).to_contain_text(re.compile(r"\d B|KiB"))
        group = page.locator("#groups tr", has_text=pipeline.settings.kafka.group_of("detector"))
        expect(group).to_contain_text("0: 2, lag 0")
        assert serious(page) == []
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.get_by_role("button", name=name, exact=True).click()
        messages = page.locator("#topic-body section")
        expect(messages).to_have_count(2)
        expect(messages.last).to_contain_text("onerror")
        expect(messages.last).to_contain_text("\\xff<b>")
        page.get_by_label("From offset").fill("1")
        page.get_by_role("button", name="Read").click()
        expect(messages).to_have_count(1)
        page.get_by_label("From offset").fill("")
        for year, count in ((2020, 2), (2100, 0)):
            page.get_by_label("From time").fill(f"{year}-01-01T00:00:00")
            page.get_by_role("button", name="Read").click()
            expect(page.locator("#topic-body > *")).to_have_count(max(count, 1))
            expect(messages).to_have_count(count)
        assert serious(page) == []
        page.get_by_role("button", name="Done").click()
        expect(page.locator("#topic")).to_be_hidden()
        assert page.evaluate("window.hurt") is None
        for path in ("/api/topics/none/0", f"/api/topics/{name}/99", "/api/topics/__consumer_offsets/0"):
            assert httpx.get(f"{dashboard.address}{path}", trust_env=False, timeout=30).status_code == 404


def test_what_stands_between_two_stages_is_no_secret(
    deploy: Callable[..., Deployment], tmp_path: Path, browser: Browser
) -> None:
    """The detector reads its hops, too: how far, and how far behind, is told as of any topic."""
    pipeline = deploy(partitions=1, RULE_KEYS="target")
    with pipeline.running("detector"):
        dashboard = Shown(pipeline, tmp_path / "dashboard.log")
        pipeline.put(paid("t1", 1))
        with page_of(browser, dashboard.address) as page:
            expect(page.locator("#rows tr")).to_have_count(1)
            expect(page.locator("#lags")).to_contain_text("detector, by-target")
            page.get_by_role("link", name="Topics").click()
            expect(page.locator("#groups tr", has_text="by-target")).to_contain_text("lag")
