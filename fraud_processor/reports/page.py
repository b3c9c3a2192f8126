"""A day as a page of its own: one file of HTML, without scripts, and nothing to fetch. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from fraud_processor.reports.text import percent
from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fraud_processor.reports.day import Day

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
dl { display: flex; flex-wrap: wrap; gap: 1rem 3rem; }
dt { opacity: .75; }
dd { margin: 0; font-size: 1.75rem; font-variant-numeric: tabular-nums; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; font-size: 1.25rem; padding: 1.5rem 0 .5rem; }
th, td { text-align: right; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8885; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; white-space: normal; }
meter { width: 100%; min-width: 6rem; }
"""


def page_of(day: Day) -> str:
    """Return the page."""
    title = f"Frauds of {day.day.isoformat()}"
    most = max(*day.hours, 1)
    facts = [("Frauds", str(day.frauds)), *((f"Stopped, {one}", amount) for one, amount in day.stopped.items())]
    facts += [(f"Cases {state}", str(count)) for state, count in sorted(day.cases.items())]
    told = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    rules = [
        [one.rule, str(one.frauds), str(one.confirmed), str(one.false_alarms), percent(one.precision)]
        for one in day.rules
    ]
    accounts = [[one.account, str(one.frauds)] for one in day.accounts]
    bars = "".join(
        f'<tr><th scope="row">{hour:02}:00</th><td>{count}</td>'
        f'<td><meter min="0" max="{most}" value="{count}">{count}</meter></td></tr>'
        for hour, count in enumerate(day.hours)
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n<body>\n<h1>{title}</h1>\n"
        f"<p>A day of UTC, by the times of the transactions.</p>\n<dl>{told}</dl>\n"
        + _table("By rule", ["Rule", "Frauds", "Confirmed", "False alarms", "Precision"], rules)
        + _wide(f"<table><caption>By hour</caption>{_head(['Hour', 'Frauds', 'Share'])}<tbody>{bars}</tbody></table>")
        + _table("Accounts with the most frauds", ["Account", "Frauds"], accounts)
        + "</body>\n</html>\n"
    )


def _table(caption: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{_text(first)}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    body = lines or f'<tr><td colspan="{len(names)}">none</td></tr>'
    return _wide(f"<table><caption>{caption}</caption>{_head(names)}<tbody>{body}</tbody></table>")


def _wide(table: str) -> str:
    return f'<div class="wide">{table}</div>\n'


def _head(names: Sequence[str]) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def _text(value: str) -> str:
    return escape(printable(value))
