"""The four rules of the public Flink fraud demo: imported by the command, and fired by a stream made for them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.deployment import headers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "tests" / "support" / "flink_demo_rules.json"


def imported(path: Path, rules: str) -> Path:
    """Return a file of ours that the command has made of the demo's."""
    source = path / "flink.json"
    source.write_text(rules)
    command = [sys.executable, "-m", "detector.rules", "import", "flink", str(source)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "left out" not in run.stderr
    made = path / "rules.yaml"
    made.write_text(run.stdout)
    return made


def stream() -> list[tuple[str, bytes]]:
    """Return payments by account: too much between two, too much to one from many, too many of one type."""
    payments = [("pair", "one", 7_000_000, "CSH")] * 3
    payments += [(f"payer-{number}", "many", 2_500_000, "CRD") for number in range(4)]
    payments += [(f"small-{number}", f"shop-{number}", 1, "CRD") for number in range(96)]
    return [
        (source, json.dumps({"source": source, "target": target, "amount": amount, "currency": "USD"}
                            | {"paymentType": kind, "transaction_id": str(number)}).encode())
        for number, (source, target, amount, kind) in enumerate(payments)
    ]  # fmt: skip


@pytest.mark.parametrize("paused", [True, False], ids=["as it comes", "with the one that pauses"])
def test_the_four_rules_of_the_demo_fire(deploy: Callable[..., Deployment], tmp_path: Path, paused: bool) -> None:  # noqa: FBT001
    """By three keys: over two hops. One pauses in the demo; made active, it fires as well."""
    text = DEMO.read_text()
    rules = imported(tmp_path, text if paused else text.replace('"PAUSE"', '"ACTIVE"'))
    pipeline = deploy(RULES_FILE=str(rules))
    payments = stream()
    with pipeline.running("detector"):
        with pipeline.producer() as producer:
            for source, value in payments:
                # One after the other and by one partition: the counts are exact then.
                producer.send(pipeline.name(topics.TRANSACTIONS), value, key=source.encode(), partition=0).get(
                    timeout=30
                )
        report = pipeline.wait_until_judged(len(payments))
    assert report.clean
    fired: Counter[str] = Counter()
    for record in pipeline.records(topics.FRAUD):
        fired.update(hit["rule"] for hit in json.loads(record.value)["verdict"]["hits"])
    assert fired["flink-1"] == 1, "the third payment of the pair"
    assert fired["flink-3"] == 2 + 1, "the pair's second and third, and the fourth payment to the other"
    assert fired["flink-4"] == 1, "the hundredth payment of a type"
    assert fired["flink-2"] == (0 if paused else len(payments))
    assert not any("pipeline.hits" in headers_of(record) for record in pipeline.records(topics.LEGIT))
