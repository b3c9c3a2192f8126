"""A day as plain text, for a terminal or a mail. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fraud_processor.reports.day import Day

WIDTH: Final = 40  # of the longest bar


def title_of(day: Day) -> str:
    """Return it in one line."""
    stopped = ", ".join(f"{amount} {currency}" for currency, amount in day.stopped.items()) or "nothing"
    return f"{day.day.isoformat()}: {day.frauds} frauds, {stopped} stopped"


def text_of(day: Day) -> str:
    """Return it as lines."""
    return "\n".join([title_of(day), *_cases(day), *_rules(day), *_hours(day), *_accounts(day)])


def percent(precision: float | None) -> str:
    """Return a share of 1 as people read it."""
    return "-" if precision is None else f"{precision:.0%}"


def _cases(day: Day) -> Iterator[str]:
    if day.cases:
        yield ""
        yield "cases       " + ", ".join(f"{count} {state}" for state, count in sorted(day.cases.items()))


def _rules(day: Day) -> Iterator[str]:
    if not day.rules:
        return
    width = max(4, *(len(printable(one.rule, WIDTH)) for one in day.rules))
    yield ""
    yield f"{'rule':<{width}}  {'frauds':>7}  {'confirmed':>9}  {'false alarms':>12}  {'precision':>9}"
    for one in day.rules:
        yield (
            f"{printable(one.rule, WIDTH):<{width}}  {one.frauds:>7}  {one.confirmed:>9}  {one.false_alarms:>12}  "
            f"{percent(one.precision):>9}"
        )


def _hours(day: Day) -> Iterator[str]:
    most = max(day.hours)
    if not most:
        return
    yield ""
    yield "hour (UTC)"
    for hour, count in enumerate(day.hours):
        yield f"{hour:02}:00  {count:>7}  {'#' * round(WIDTH * count / most)}".rstrip()


def _accounts(day: Day) -> Iterator[str]:
    if day.accounts:
        yield ""
        yield "accounts with the most frauds"
        yield from (f"{one.frauds:>7}  {printable(one.account, WIDTH)}" for one in day.accounts)
