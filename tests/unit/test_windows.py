"""Windows of a key's history: bounds that are stated, what is undone, and what a verdict says of them."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import pytest

from detector.rules.loading import RuleFileError, load_rules
from detector.rules.windows import engine
from detector.rules.windows.engine import Windows
from tests.unit.samples import transaction

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.messages import Hit

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COUNTING = "rules: [{id: counting, key: source, when: 'count(\"1h\") > 0'}]"


def hits(rules: RuleSet, after: timedelta = timedelta(), *, partition: int = 0, **fields: object) -> list[Hit]:
    """Return the hits of a transfer so long after noon; its record comes at its own time, or at ``record``."""
    made = transaction(timestamp=NOON + after, **fields)
    judged = rules.judge(made, partition, int((NOON + after).timestamp() * 1000))
    return list(judged.noted if judged.verdict is None else judged.verdict.hits)


def counted(rules: RuleSet, after: timedelta = timedelta(), **fields: object) -> str:
    """Return what the only rule counts."""
    (hit,) = hits(rules, after, **fields)  # type: ignore[arg-type]
    return hit.values['count("1h")']


def refused(text: str) -> list[str]:
    """Return what is told of a rule that is refused."""
    with pytest.raises(RuleFileError) as caught:
        load_rules("r.yaml", "rules:\n  - {id: a, " + text + "}")
    return caught.value.told()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("when: 'count(\"1h\") > 1'", "2:20: rule 'a': count looks at the history of a key: add key: to the rule"),
        ("key: source, when: count() > 1", "2:32: rule 'a': count looks at a window: add window: to the rule"),
        ("key: source, window: 40y, when: count() > 1", "a window such as 90s, 24h or 30d was expected, of at most"),
        ("key: source, window: 14600d, when: count() > 1", "of at most 400d, this is '14600d'"),
        ("key: source, window: 0s, when: count() > 1", "a window such as 90s, 24h or 30d was expected"),
        ("key: source, window: 1h, when: sum(target) > 1", "sum takes a number or an amount of money, this is a text"),
        ("key: source, window: 1h, when: sum(count()) > 1", "count cannot stand within another aggregate"),
        ("key: source, window: 1h, when: 'count(where=amount) > 1'", "where= takes true or false, this is an amount"),
        ("key: source, window: 1h, when: 'count(that=true) > 1'", "where= alone has a name"),
        ("key: source, window: 1h, when: min(target) == target", "min takes a number"),
        ("key: source, window: 1h, when: last(5) == 5", "a field or a member was expected"),
        ("key: soruce, window: 1h, when: count() > 1", "key: there is no soruce; did you mean source?"),
        ("key: target, window: 1h, when: count() > 1", "key: target is spread over the partitions of the log"),
        (
            "key: [target, currency], window: 1h, when: count() > 1",
            "in this deployment a key is account or source, or a list",
        ),
        ("key: source, filter: count() > 1, window: 1h, when: count() > 1", "it stands in when: and message: alone"),
        ("key: source, sequence: [amount > 1], within: 1h", "a list of 2 to 8 conditions was expected"),
        ("key: source, currency: any, sequence: [amount > 1, amount > 2]", "sequence: needs within: as well"),
        ("when: amount > 1, currency: any, within: 1h", "within: belongs to sequence: alone"),
        ("key: source, sequence: [amount > 1, amount > 2], within: 1h", "currency: is missing"),
    ],
)
def test_what_is_wrong_about_the_past_is_told_with_its_place(text: str, told: str) -> None:
    """Every sentence names file, line, column and rule, and what was expected."""
    found = refused(text)
    assert any(told in one for one in found), found
    assert all(one.startswith("r.yaml:2:") and "rule 'a': " in one for one in found)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """A key, a window and an aggregate: three sentences."""
    assert len(refused("key: target, filter: amoun > 1, window: 1y, when: 'sum(target, \"1h\") > 1'")) == 4


def test_a_key_that_holds_the_accounts_key_is_no_other_key() -> None:
    """All transactions of a source and a currency are where those of the source are."""
    rules = load_rules("r", COUNTING.replace("key: source", "key: [source, currency]"))
    assert [counted(rules), counted(rules), counted(rules, currency="USD")] == ["1", "2", "1"]


def test_a_lateness_beyond_a_month_is_refused() -> None:
    """What is kept for those who come late has to be bounded."""
    with pytest.raises(RuleFileError, match="a duration from 0s to 30d was expected"):
        load_rules("r", "lateness: 31d\nrules: []")


def test_a_window_ends_with_the_transaction_and_leaves_its_begin_out() -> None:
    """Exactly an hour later the first is no longer in the window; equal times are in the order of the log."""
    rules = load_rules("r", COUNTING)
    hour = timedelta(hours=1)
    assert [counted(rules), counted(rules), counted(rules, hour), counted(rules, hour)] == ["1", "2", "1", "2"]


def test_a_late_transaction_sees_the_window_of_its_time() -> None:
    """What happened after it is not in it, and it is in the windows of those that come later."""
    rules = load_rules("r", COUNTING)
    minutes = [timedelta(minutes=one) for one in (0, 30, 10, 40)]
    assert [counted(rules, one) for one in minutes] == ["1", "2", "2", "4"]


def test_what_is_later_than_the_rules_wait_is_judged_and_marked() -> None:
    """It is judged on what is kept, and its verdict says so."""
    rules = load_rules("r", "lateness: 10m\n" + COUNTING)
    hits(rules)
    judged = rules.judge(transaction(timestamp=NOON - timedelta(minutes=11)), 0, int(NOON.timestamp() * 1000))
    assert judged.verdict is not None
    assert (judged.caveats.late, judged.verdict.late) == (True, True)
    assert judged.verdict.hits[0].values == {'count("1h")': "1"}
    on_time = rules.judge(transaction(timestamp=NOON - timedelta(minutes=10)), 0, int(NOON.timestamp() * 1000))
    assert not on_time.caveats.late


def test_a_batch_that_is_undone_leaves_nothing_behind() -> None:
    """Neither what was appended nor what was put between others, nor what expired."""
    rules = load_rules("r", COUNTING)
    counted(rules)
    rules.committed()
    far = timedelta(days=300)
    for after in (timedelta(minutes=5), timedelta(minutes=1), far, far):
        counted(rules, after)
    rules.aborted()
    assert counted(rules, timedelta(minutes=5)) == "2"


def test_partitions_are_forgotten_unless_they_are_kept() -> None:
    """Of two, the one that another process may have moved on begins anew; what was staged is gone in both."""
    rules = load_rules("r", COUNTING)
    for partition in (0, 1):
        counted(rules, partition=partition)
    rules.committed()
    counted(rules, partition=0)
    rules.keep([0])
    assert [counted(rules, partition=0), counted(rules, partition=1)] == ["2", "1"]


def test_a_clock_that_jumps_a_year_ahead_expires_nobodys_history() -> None:
    """One record moves the clock of its key by the lateness at most, and no other key's at all."""
    rules = load_rules("r", COUNTING)
    counted(rules, source="honest")
    counted(rules, source="jumper")
    rules.committed()
    noon_ms = int(NOON.timestamp() * 1000)
    assert rules.judge(transaction(source="jumper", timestamp=NOON + timedelta(days=365)), 0, noon_ms).verdict
    rules.committed()
    after = timedelta(minutes=1)
    assert [counted(rules, after, source=one) for one in ("honest", "jumper")] == ["2", "2"]


def test_what_has_no_key_or_changes_its_kind_is_counted_and_no_more() -> None:
    """A member that is missing, a text, and then a number: the rule misses where it has no value."""
    rules = load_rules(
        "r", "members: {n: number}\nrules: [{id: counting, key: [account, n], when: 'sum(n, \"1h\") >= 0'}]"
    )
    for attributes in ({}, {"n": "7"}, {"n": Decimal("NaN")}, {"n": 7}, {"n": True}, {"n": Decimal("7.0")}):
        hits(rules, attributes=attributes)
    rules.committed()
    assert rules.counts.total == {
        ("counting", "missing"): 1,
        ("counting", "wrong-type"): 3,
        ("counting", "counted"): 2,
    }


def test_panes_err_by_a_64th_of_the_window_at_most() -> None:
    """Beyond the newest, what is counted reaches back a pane too far at most, and nothing is missing."""
    rules = load_rules("r", COUNTING)
    rules.stages[0].windows = Windows(rules.stages[0].plan, newest=10)
    second = timedelta(seconds=1)
    for number in range(8_000):
        found = int(counted(rules, number * second))
        exact = min(number + 1, 3_600)
        assert exact <= found <= exact + 3_600 // 64 + 1


def test_hits_carry_their_window_and_the_values_of_their_expressions() -> None:
    """A golden example: the bytes of a verdict about the past."""
    rules = load_rules(
        "r",
        """
rules:
  - id: drained
    key: source
    currency: EUR
    sequence: [amount <= 1, amount >= 500]
    within: 1h
    when: sum(amount, "2h") > 500
    message: '{sum(amount, "2h")} within two hours'
""",
    )
    hits(rules, amount=Decimal("1.00"))
    judged = rules.judge(transaction(timestamp=NOON + timedelta(minutes=5), amount=Decimal("700.10")))
    assert judged.verdict is not None
    assert msgspec.json.encode(judged.verdict.hits[0]) == (
        b'{"rule":"drained","severity":"medium","score":100,"message":"701.10 within two hours",'
        b'"values":{"amount":"700.10","sum(amount, \\"2h\\")":"701.10","step 1":"2026-11-23T12:00:00Z"},'
        b'"window":{"from":"2026-11-23T10:05:00Z","to":"2026-11-23T12:05:00Z"},"key":{"source":"aB3dE5gH7jK9"}}'
    )


def test_a_transaction_of_a_history_takes_few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three columns of numbers and a time: 32 bytes, and what lists grow ahead; whoever pays once takes more."""
    monkeypatch.setattr(engine, "FROZEN_AFTER", 1 << 62)
    rules = load_rules(
        "r",
        "rules: [{id: a, key: source, window: 30d, currency: any, "
        "when: sum(amount) > 1e9 or count_distinct(target) > 99 or min(timestamp) == timestamp}]",
    )
    made = [transaction(source=f"account-{number % 50}", timestamp=NOON) for number in range(50_000)]
    tracemalloc.start()
    for number, one in enumerate(made, 1):
        rules.observe(one, 0, 0)
        if number % 500 == 0:
            rules.committed()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / len(made) < 80


@pytest.mark.parametrize("lowest", ["-9223372036854775808", "-92233720368547758.08", "-922337203685477.5808"])
def test_the_number_that_stands_for_none_in_memory_is_a_number_all_the_same(lowest: str) -> None:
    """Whatever its decimals, it counts, beside one that is missing and one that is larger than 64 bits."""
    text = "rules: [{id: a, key: source, window: 1h, when: 'min(n) <= 0 or sum(n) <= 0'}]"
    rules = load_rules("r", "members: {n: number}\n" + text)
    hits(rules, attributes={"n": Decimal("-0.01")})
    (hit,) = hits(rules, attributes={"n": Decimal(lowest)})
    assert Decimal(hit.values["min(n)"]) == Decimal(lowest)
    hits(rules, attributes={})
    (hit,) = hits(rules, attributes={"n": 10**30})
    assert Decimal(hit.values["min(n)"]) == Decimal(lowest)
    hits(rules, attributes={})
    (hit,) = hits(rules, attributes={"n": -1 - 10**30})
    assert Decimal(hit.values["sum(n)"]) == Decimal(lowest) - Decimal("1.01")
