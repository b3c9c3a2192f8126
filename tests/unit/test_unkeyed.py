"""Records whose key is not their account: told with the verdict, counted once, and warned of."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from detector.handler import Detector
from detector.rules.loading import load_rules
from detector.unkeyed import TELL_SECONDS, KeyCheck
from pipeline.contracts import topics
from pipeline.contracts.caveats import LATE, NONE, UNKEYED, Caveats
from tests.unit.samples import TRANSFERS, record, transaction, transfer

if TYPE_CHECKING:
    import pytest

RULES = "rules: [{id: often, key: source, window: 1h, when: count() >= %d}]"
ACCOUNT = b"aB3dE5gH7jK9"


def test_a_verdict_says_that_the_key_was_another() -> None:
    """And so does the header of a legitimate record; who looks at no past does not look at keys."""
    strict = Detector(TRANSFERS, load_rules("r", RULES % 1))
    (fraud,) = strict.handle(record(transfer(), key=None))
    assert fraud.value is not None
    assert json.loads(fraud.value)["verdict"]["unkeyed"] is True
    (keyed,) = strict.handle(record(transfer(), key=ACCOUNT))
    assert keyed.value is not None
    assert "unkeyed" not in json.loads(keyed.value)["verdict"]
    rules = load_rules("r", RULES % 9)
    (legit,) = Detector(TRANSFERS, rules).handle(record(transfer(), key=b"other"))
    assert legit.headers == (("pipeline.hits", f"{rules.version} unkeyed".encode()),)
    (past,) = Detector(TRANSFERS, load_rules("r", "rules: [{id: a, when: amount > 1e9, currency: any}]")).handle(
        record(transfer(), key=None)
    )
    assert (past.topic, past.headers) == (topics.LEGIT, ())


def test_they_are_counted_once_and_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """What is undone comes again."""
    caplog.set_level(logging.WARNING)
    now = 0.0
    keys = KeyCheck(lambda: now)
    wrong = record(transfer(), key=None)
    keys.caveats(wrong, transaction())
    keys.aborted()
    keys.committed()
    assert (keys.total, caplog.records) == (0, [])
    for _ in range(3):
        assert keys.caveats(wrong, transaction()) == UNKEYED
        assert keys.caveats(record(transfer(), key=ACCOUNT), transaction()) == NONE
        keys.committed()
    now += TELL_SECONDS
    keys.committed()
    assert [one.getMessage().split(" had ")[0] for one in caplog.records] == ["1 records", "2 records"]
    assert "INPUT_KEY=none" in caplog.text


def test_caveats_add_up() -> None:
    """Each is told once."""
    assert Caveats(late=True, unkeyed=True) == NONE | LATE | UNKEYED | LATE
    assert (NONE | UNKEYED).names() == ["unkeyed"]
    assert (LATE | NONE) == LATE
