"""Entries of lists, added and removed by command: what is written by hand around them stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.versions.body import at_work
from detector.rules.versions.editing import ListEditError, entries_of, with_entry, without_entry
from pipeline.contracts.rule_bodies import RuleBody

UNTIL = "2026-12-31T00:00:00Z"
HEAD = "# mine\nlists:\n  - id: s   # stolen\n    type: deny\n    on: source\n"
TAIL = "\nrules: []  # none yet\n"
WAYS = {
    "flow": HEAD + "    entries: [A1, 'A 2', {value: A3, until: 2026-11-01T00:00:00Z}]" + TAIL,
    "block": HEAD + "    entries:\n      - A1  # the first\n      - A 2\n      # now\n      - value: A3\n"
    "        until: 2026-11-01T00:00:00Z\n    # behind it" + TAIL,
    "file": HEAD + "    file: s.csv" + TAIL,
    "json": '{\n\t"lists": [{"id": "s", "type": "deny", "on": "source", "entries": ["A1", "A 2", {"value": "A3",'
    ' "until": "2026-11-01T00:00:00Z"}]}],\n\t"rules": []\n}',
}
FILES = {"s.csv": "# stolen\nA1\nA 2\nA3, 2026-11-01T00:00:00Z"}


def body_of(way: str) -> RuleBody:
    """Return a version with a list that is written in some way."""
    return RuleBody("r.yaml", WAYS[way], FILES)


@pytest.mark.parametrize("way", WAYS)
def test_an_entry_is_added_and_removed_however_the_list_is_written(way: str) -> None:
    """With or without an end; each alone, and all of them; what is there already gets another end."""
    body = body_of(way)
    before = entries_of(body, "s")
    more = with_entry(body, "s", "B4", None)
    assert entries_of(more, "s") == {**before, "B4": None}
    longer = with_entry(more, "s", "A1", UNTIL)
    assert at_work(longer).version != at_work(more).version
    assert list(entries_of(longer, "s")) == ["A 2", "A3", "B4", "A1"]
    for value in ("A3", "A1", "B4", "A 2"):
        longer = without_entry(longer, "s", value)
    assert entries_of(longer, "s") == {}
    assert entries_of(with_entry(longer, "s", "C", None), "s") == {"C": None}


@pytest.mark.parametrize("way", ["flow", "block"])
def test_what_stands_around_stays(way: str) -> None:
    """Comments and all: the text is that of before, but for the entry."""
    body = body_of(way)
    assert without_entry(with_entry(body, "s", "B4", None), "s", "B4").text == body.text
    assert "# mine" in without_entry(body, "s", "A 2").text


@given(st.sampled_from(sorted(WAYS)), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_any_value_is_added_as_it_is_or_refused(way: str, value: str) -> None:
    """Nothing else is changed by a value that looks like YAML."""
    body = body_of(way)
    try:
        more = with_entry(body, "s", value, UNTIL)
    except ListEditError:
        return
    assert entries_of(more, "s").keys() == {*entries_of(body, "s"), value}


@pytest.mark.parametrize(
    ("list_id", "value", "told"),
    [("t", "A1", "there is no list t; there are: s"), ("s", "B1", "'B1' is not on the list s")],
)
def test_what_is_not_there_is_told(list_id: str, value: str, told: str) -> None:
    """Nothing is removed that nobody has seen."""
    with pytest.raises(ListEditError, match=told):
        without_entry(body_of("flow"), list_id, value)
