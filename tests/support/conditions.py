"""What defines each kind of fraud of the realistic scenario, as plain as it can be said; nothing here is fast.

For every transaction its whole history is looked through: those of the same key that stand before it in the log, and
itself, with a time in (t - window, t]. Whoever writes rules against the scenario can take these for their definition.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from generator.scenarios.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    History = Sequence["Sent"]

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
PURCHASES: Final = {"card_present", "online"}


class Sent(NamedTuple):
    """One transaction as a reader of the topic sees it."""

    id: str
    time: datetime
    source: str
    target: str
    amount: Decimal
    channel: str
    country: str
    members: dict[str, Any]


def read(values: Iterable[bytes]) -> list[Sent]:
    """Return transactions in the order of the log."""
    decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
    return [
        Sent(
            members["transaction_id"],
            datetime.fromisoformat(members["timestamp"]),
            members["source"],
            members["target"],
            Decimal(members["amount"]),
            members["channel"],
            members["country"],
            members,
        )
        for members in map(decode, values)
    ]


def within(width: timedelta, one: Sent, before: History) -> list[Sent]:
    """Return what a window holds without the transaction itself."""
    return [other for other in before if one.time - width < other.time <= one.time]


def large_amount(one: Sent, _: History) -> bool:
    """Tell whether it is of 900 or more."""
    return one.amount >= 900


def velocity(one: Sent, before: History) -> bool:
    """Tell whether there are more than ten payments of its source within a minute."""
    return len(within(timedelta(minutes=1), one, before)) + 1 > 10


def fan_in(one: Sent, before: History) -> bool:
    """Tell whether fifty distinct sources paid exactly the same multiple of 50 to its target within 24 hours."""
    same = [other.source for other in within(DAY, one, before) if other.amount == one.amount]
    return one.amount % 50 == 0 and len({*same, one.source}) >= 50


def structuring(one: Sent, before: History) -> bool:
    """Tell whether it is its source's third payment within 24 hours from 810 up to, not including, 900."""
    slices = [other for other in within(DAY, one, before) if 810 <= other.amount < 900]
    return 810 <= one.amount < 900 and len(slices) + 1 >= 3


def then_drained(one: Sent, before: History) -> bool:
    """Tell whether it is of 400 or more, within an hour after one of at most 2 by the same source."""
    return one.amount >= 400 and any(other.amount <= 2 for other in within(HOUR, one, before))


def dormant_account(one: Sent, before: History) -> bool:
    """Tell whether it is of 500 or more, by a source that paid before, the last time 21 days ago or earlier."""
    earlier = [other.time for other in before if other.time <= one.time]
    return one.amount >= 500 and bool(earlier) and one.time - max(earlier) >= 21 * DAY


def impossible_travel(one: Sent, before: History) -> bool:
    """Tell whether its card was held into machines of two countries within an hour."""
    cards = [other for other in within(HOUR, one, before) if other.channel == "card_present"]
    return one.channel == "card_present" and any(other.country != one.country for other in cards)


def unusual_amount(one: Sent, before: History) -> bool:
    """Tell whether it is a purchase of ten times the mean of its source's purchases of 30 days, or more.

    There must be ten or more of these; itself is not among them.
    """
    usual = [other.amount for other in within(30 * DAY, one, before) if other.channel in PURCHASES]
    return one.channel in PURCHASES and len(usual) >= 10 and one.amount * len(usual) >= 10 * sum(usual)


BY_SOURCE: Final[dict[Kind, Callable[[Sent, History], bool]]] = {
    Kind.LARGE_AMOUNT: large_amount,
    Kind.VELOCITY: velocity,
    Kind.STRUCTURING: structuring,
    Kind.TEST_THEN_DRAIN: then_drained,
    Kind.DORMANT_ACCOUNT: dormant_account,
    Kind.IMPOSSIBLE_TRAVEL: impossible_travel,
    Kind.UNUSUAL_AMOUNT: unusual_amount,
}


def holding(sent: Sequence[Sent]) -> dict[Kind, set[str]]:
    """Return by kind the ids of the transactions at which its condition holds."""
    found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    by_source: defaultdict[str, list[Sent]] = defaultdict(list)
    by_target: defaultdict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        for kind, holds in BY_SOURCE.items():
            if holds(one, by_source[one.source]):
                found[kind].add(one.id)
        if fan_in(one, by_target[one.target]):
            found[Kind.FAN_IN].add(one.id)
        by_source[one.source].append(one)
        by_target[one.target].append(one)
    return found
