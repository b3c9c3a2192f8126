"""What the realistic scenario makes, for tests that look at it."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from generator.scenarios.frauds import USUAL_CASES
from generator.scenarios.realistic import RealisticSource
from pipeline.contracts.labels import Label
from tests.support.conditions import Sent, read

if TYPE_CHECKING:
    from generator.scenarios.drafts import Labelled

START: Final = datetime(2026, 1, 31, 8, tzinfo=UTC)
PACE_SECONDS: Final = 14.4  # 6,000 a simulated day


class Made(NamedTuple):
    """Transactions in the order of the log, as a reader sees them, and their labels."""

    sent: list[Sent]
    labels: list[Label]


def source_of(
    seed: int, pace_seconds: float = PACE_SECONDS, cases: int = USUAL_CASES, currency: str = "EUR"
) -> RealisticSource:
    """Return a source that begins at ``START``."""
    return RealisticSource(Random(seed), currency, START, pace_seconds, cases)  # noqa: S311 (no secret)


def next_of(source: RealisticSource, count: int) -> list[Labelled]:
    """Return the next transactions; what time it is does not matter."""
    return source.make(START, count)


def made(seed: int, count: int, pace_seconds: float = PACE_SECONDS, cases: int = USUAL_CASES) -> Made:
    """Return the first transactions of a seed, and their labels."""
    both = next_of(source_of(seed, pace_seconds, cases), count)
    labels = [msgspec.json.decode(label.value, type=Label) for _, label in both if label is not None]
    return Made(read(transaction.value for transaction, _ in both), labels)
