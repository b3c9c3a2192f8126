"""The kinds of fraud that are injected, each with the condition that defines it and its numbers. Pure.

Amounts are in units of the currency, whichever it is. "Decisive" are the transactions at which a condition holds; the
label says of each whether it is one. The conditions are written down for people in docs/scenarios.md, as plain code in
tests/support/conditions.py, and hold for every case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS


class Kind(StrEnum):
    """What a label's ``kind`` may be."""

    LARGE_AMOUNT = "large-amount"
    VELOCITY = "velocity"
    FAN_IN = "fan-in"
    STRUCTURING = "structuring"
    TEST_THEN_DRAIN = "test-then-drain"
    DORMANT_ACCOUNT = "dormant-account"
    IMPOSSIBLE_TRAVEL = "impossible-travel"
    UNUSUAL_AMOUNT = "unusual-amount"


# Cases are dealt like cards, in random order: each of these comes once before any comes again.
DECK: Final = (*Kind, Kind.LARGE_AMOUNT)

# When a label may be used: so many days after its transaction, at least and at most. Card payments are charged back
# when their holder reads the bill; banks find mules and structuring in reviews.
KNOWN_AFTER_DAYS: Final = {
    Kind.LARGE_AMOUNT: (1.0, 5.0),
    Kind.VELOCITY: (0.1, 3.0),
    Kind.FAN_IN: (2.0, 14.0),
    Kind.STRUCTURING: (10.0, 40.0),
    Kind.TEST_THEN_DRAIN: (1.0, 20.0),
    Kind.DORMANT_ACCOUNT: (5.0, 40.0),
    Kind.IMPOSSIBLE_TRAVEL: (0.5, 5.0),
    Kind.UNUSUAL_AMOUNT: (2.0, 45.0),
}

# large-amount: one payment of LIMIT or more; ours are of LEAST_LARGE to MOST_LARGE.
LIMIT: Final = 900
LEAST_LARGE, MOST_LARGE = 1000, 5000

# velocity: more than MANY payments of one source within a minute; ours are MANY + 2 to MANY + 10 within 50 seconds.
MANY: Final = 10
BURST_MS: Final = 50_000

# fan-in: FEWEST_SOURCES distinct sources pay exactly the same multiple of ROUND to one target within 24 hours; ours are
# up to six more, within half an hour to six hours.
FEWEST_SOURCES: Final = 50
ROUND: Final = 50
MOST_ROUNDS: Final = 6
FAN_IN_MS: Final = (30 * MINUTE_MS, 6 * HOUR_MS)

# structuring: SLICES payments of one source within 24 hours, each from JUST_BELOW up to, not including, LIMIT; ours are
# three to five within 12 hours.
SLICES: Final = 3
JUST_BELOW: Final = 810
STRUCTURING_MS: Final = (2 * HOUR_MS, 12 * HOUR_MS)

# test-then-drain: a payment of at most TEST, then within an hour one of DRAIN or more, by the same source.
TEST: Final = 2
DRAIN: Final = 400
DRAIN_AFTER_MS: Final = (2 * MINUTE_MS, 50 * MINUTE_MS)

# dormant-account: WAKING or more by a source whose last payment is DORMANT_DAYS or more ago; ours slept for 28 to 60.
WAKING: Final = 500
DORMANT_DAYS: Final = 21
SLEEP_DAYS: Final = 28
LONGEST_SLEEP_DAYS: Final = 60
SLEEPERS: Final = 100

# impossible-travel: a card held into machines of two countries within an hour; ours are FARAWAY_KM or more apart.
FARAWAY_KM: Final = 1000
TRAVEL_MS: Final = (5 * MINUTE_MS, 50 * MINUTE_MS)

# unusual-amount: a purchase of TIMES or more times the mean of the source's purchases of USUAL_DAYS before it, of which
# there are SEASONED or more; ours are of 15 to 22 times the mean, and stay below JUST_BELOW.
TIMES: Final = 10
USUAL_DAYS: Final = 30
SEASONED: Final = 10
LEAST_TIMES, MOST_TIMES = 15.0, 22.0

BELOW_OTHERS: Final = 800  # amounts of drains, wakings and the unusual stay below this: no other limit is near
