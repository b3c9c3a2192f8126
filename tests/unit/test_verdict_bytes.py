"""A verdict put behind a message: the exact bytes, and that nothing of the message changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.codec import with_verdict, without_verdict
from pipeline.contracts.jsonobject import read_object
from pipeline.contracts.messages import Hit, Verdict
from tests.unit.samples import TRANSFER, TRANSFERS, record, transfer, verdict

BLANKS = st.text(" \t\r\n", max_size=3).map(str.encode)
EXTRA = st.dictionaries(
    st.text(max_size=6).filter(lambda name: name not in {*TRANSFER, "verdict", "timestamp", "transaction_id"}),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
VERDICTS = st.builds(
    Verdict,
    ruleset=st.text(max_size=16),
    score=st.integers(0, 1_000),
    hits=st.lists(
        st.builds(
            Hit,
            rule=st.text(max_size=8),
            severity=st.text(max_size=8),
            score=st.integers(0, 1_000),
            message=st.text(max_size=20),
            values=st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3),
        ),
        max_size=3,
    ),
)


def test_a_judged_message_has_exactly_these_bytes() -> None:
    """The golden example: the message as it came, then the verdict's members in their order, without a blank."""
    value = b'{"source":"a","target":"b","amount":980.050,"currency":"EUR"}'
    assert with_verdict(value, verdict()) == (
        b'{"source":"a","target":"b","amount":980.050,"currency":"EUR",'
        b'"verdict":{"ruleset":"0123456789abcdef","score":100,"hits":['
        b'{"rule":"large-amount","severity":"high","score":100,"message":"980.05 >= 900","values":{"amount":"980.05"}}'
        b"]}}"
    )


def test_blanks_around_the_end_are_the_only_thing_that_goes() -> None:
    """White space before and behind the last brace is no part of any member."""
    assert with_verdict(b' { "a" : " } " \n}\r\n\t ', verdict(hits=[])) == (
        b' { "a" : " } ","verdict":{"ruleset":"0123456789abcdef","score":100,"hits":[]}}'
    )


@given(extra=EXTRA, blanks=st.tuples(BLANKS, BLANKS, BLANKS), judged=VERDICTS, ascii_only=st.booleans())
def test_nothing_before_the_verdict_changes(
    *, extra: dict[str, Any], blanks: tuple[bytes, bytes, bytes], judged: Verdict, ascii_only: bool
) -> None:
    """Whatever a message holds, its bytes up to its end stand unchanged, and the verdict is the last member."""
    before, inside, behind = blanks
    members = json.dumps(TRANSFER | extra, ensure_ascii=ascii_only).encode()[1:-1]
    value = before + b"{" + inside + members + inside + b"}" + behind
    written = with_verdict(value, judged)
    kept = before + b"{" + inside + members
    assert written.startswith(kept + b',"verdict":{')
    assert list(read_object(written)) == [*read_object(value), "verdict"]


@given(extra=EXTRA, judged=VERDICTS)
def test_what_was_judged_is_read_back(extra: dict[str, Any], judged: Verdict) -> None:
    """The fraud processor sees the transaction that the detector saw, and the verdict that it gave."""
    value = transfer(**extra)
    found, read = TRANSFERS.read_judged(record(with_verdict(value, judged)))
    assert read == judged
    assert found == TRANSFERS.read(record(value))


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.dictionaries(st.sampled_from(["verdict", "ruleset", "x"]), inner)
    ),
    st.text(),
)
def test_what_was_judged_is_had_back_without_its_verdict(member: object, text: str) -> None:
    """Whatever stands in the message or in the sentences of the verdict looks like one."""
    value = json.dumps({"transaction_id": text, "note": ',"verdict":', "more": {"a": 1, "verdict": member}}).encode()
    told = {"x": text, "verdict": '{"ruleset":'}
    hit = Hit(rule="r", severity="low", score=1, message=f',"verdict":{{"ruleset":{text}', values=told, key=told)
    judged = with_verdict(value, Verdict(ruleset="v", score=1, hits=[hit]))
    assert without_verdict(judged) == value
    with pytest.raises(ValueError, match="subsection not found"):
        without_verdict(b'{"source":"A"}')
