"""What services tell in figures: counted when it is committed, once, whatever is put in force in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detector.handler import Detector
from detector.rules.versions.body import at_work
from generator.figures import figures_of
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.runtime.vitals import metrics
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.rules.ruleset import RuleSet
    from pipeline.runtime.vitals import Figure


def by_name(figures: Iterable[Figure]) -> dict[tuple[str, ...], Any]:
    """Return figures by the name of their metric and their labels."""
    return {(one.metric.name, *one.labels): one.value for one in figures}


def rules(threshold: int, mode: str = "active") -> RuleSet:
    """Return rules of which one looks back."""
    text = f"""
rules:
  - {{id: large, when: amount >= {threshold}, currency: any}}
  - {{id: often, key: source, window: 1h, when: count() >= 2, mode: {mode}}}
"""
    return at_work(RuleBody("r.yaml", text))


def test_what_rules_do_is_counted_over_all_versions() -> None:
    """Nothing of what was undone, and on from there when other rules come."""
    first = rules(900)
    detector = Detector(TRANSFERS, first)
    detector.handle(record(transfer(amount=950)))
    detector.aborted()
    detector.handle(record(transfer(amount=950)))
    detector.committed()
    second = rules(500, "shadow")
    detector.use(second)
    detector.handle(record(transfer(amount=600, source="another"), offset=42))
    detector.handle(record(transfer(amount=1, source="another"), offset=43))
    detector.committed()
    found = by_name(detector.figures())
    assert found["fraud_judged_total",] == 3
    assert found["fraud_rule_hits_total", "large", "counted"] == 2
    assert found["fraud_rule_hits_total", "often", "shadow"] == 1
    assert ("fraud_rule_hits_total", "often", "counted") not in found
    assert [labels for labels in found if labels[0] == "fraud_rules_info"] == [("fraud_rules_info", second.version)]
    assert found["fraud_state_keys", "1"] == 2
    detector.assigned(())
    assert by_name(detector.figures())["fraud_state_keys", "1"] == 0


def test_a_generator_tells_what_brokers_have_acknowledged() -> None:
    """And what was given up, and is not decided yet."""

    class Sent:
        delivered, failed, in_flight = 7, 1, 3

    assert by_name(figures_of(Sent())) == {  # type: ignore[arg-type] # what is needed of it
        (metrics.GENERATED.name,): 7,
        (metrics.GENERATED_FAILED.name,): 1,
        (metrics.IN_FLIGHT.name,): 3,
    }
