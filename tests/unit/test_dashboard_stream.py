"""The stream of events, asked for by anything. It never ends, so that a fuzzer of documents has to pass it over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.live import hub as hub_module
from dashboard.live.hub import Hub
from dashboard.live.row import BRANCHES, LEGIT, Row
from dashboard.settings import DashboardSettings
from tests.unit.test_dashboard_access import listening

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Provide who asks a dashboard that has rows, as many filters as they like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "MOST_FILTERS", 10_000)
        hub = Hub(lambda: {"lags": {}, "connected": True})
        hub.take([Row(LEGIT, "legit", 0, offset, 0, source="A") for offset in range(3)], live=False)
        hub.take([], live=True)
        served = listening(DashboardSettings.from_env({"KAFKA_BROKER_URL": "127.0.0.1:1"}), hub)
        with httpx.Client(base_url=served.address, timeout=30, trust_env=False) as made:
            yield made
        hub.end()
        served.end()


QUERIES = st.dictionaries(
    st.sampled_from(["branch", "account", "rule", "x"]),
    st.sampled_from([*BRANCHES, "A", ""]) | st.text(),
)
POSITIONS = st.tuples(st.sampled_from(["legit", "\0"]), st.integers(-1, 1), st.integers(-(2**70), 2**70))
SEEN = st.one_of(st.text(max_size=30), st.lists(POSITIONS, max_size=3).map(json.dumps))


@given(QUERIES, SEEN)
@settings(max_examples=60, deadline=None)
def test_a_stream_may_be_asked_for_by_anything(client: httpx.Client, query: dict[str, str], seen: str) -> None:
    """What it is filtered by, and where a page says that it was: its rows come, or it is refused."""
    spoken = bytes(one for one in seen.encode(errors="replace") if one > 32 and one != 127)
    params = {name: value.encode(errors="replace") for name, value in query.items()}
    with client.stream("GET", "/api/stream", params=params, headers={b"Last-Event-ID": spoken}) as answer:
        if answer.status_code != 422:
            assert answer.status_code == 200
            assert "event: rows" in answer.iter_lines()
