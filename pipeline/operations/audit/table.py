"""The report as people read it: aligned plain text, what was judged first, the one line that says it all last. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from pipeline.operations.audit.report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.operations.audit.report import Report

WIDTH: Final = 100
INDENT: Final = 12

# What each violation is, in the words of whoever has to look into it.
MEANINGS: Final = {
    Violation.LOST: "input without an outcome",
    Violation.DUPLICATED: "input with the same outcome twice",
    Violation.BOTH_BRANCHES: "input with outcomes that exclude each other",
    Violation.UNREAD: "input that retention removed before the detector read it",
    Violation.UNKNOWN: "outcomes and dead letters of a record that is not there",
    Violation.UNMARKED: "sent again without a marker, or a marker without the record",
    Violation.EFFECT_MISSING: "passed by a processor, with neither effect nor dead letter",
    Violation.EFFECT_TWICE: "more than one effect or dead letter of one record",
}


def table(report: Report) -> str:
    """Return the report as lines of text, the last of them :meth:`Report.line`."""
    sections = [
        _section("judged", _judged(report)),
        _section("outcomes", _aligned([(name, f"{count:,}") for name, count in report.outcomes.items()])),
        _section("effects", _effects(report)),
        _section("violations", list(_violations(report))),
    ]
    if report.notes:
        sections.append(_section("not seen", [line for note in report.notes for line in _wrapped(note)]))
    return "\n\n".join([*sections, report.line()])


def _judged(report: Report) -> list[str]:
    rows: list[tuple[str, ...]] = [("partition", "from", "to", "records")]
    for partition, judged in report.judged.items():
        if judged.first < judged.end:
            rows.append((str(partition), f"{judged.first:,}", f"{judged.end - 1:,}", f"{judged.input:,}"))
        else:
            rows.append((str(partition), "-", "-", "0"))
    if len(report.judged) > 1:
        rows.append(("all", "", "", f"{sum(judged.input for judged in report.judged.values()):,}"))
    return [report.topic, *_period(report), *_aligned(rows)]


def _period(report: Report) -> Iterator[str]:
    if report.since is not None:
        yield f"since {report.since.isoformat(timespec='milliseconds')}"
    if report.until is not None:
        yield f"until {report.until.isoformat(timespec='milliseconds')}"


def _effects(report: Report) -> list[str]:
    rows: list[tuple[str, ...]] = [("processor", "branch", "known by", "done", "dead letters", "pending")]
    rows += [
        (processor, found.branch, found.method, f"{found.done:,}", f"{found.dead_letters:,}", f"{found.pending:,}")
        for processor, found in report.effects.items()
    ]
    return _aligned(rows, words=3)


def _violations(report: Report) -> Iterator[str]:
    found = {violation: count for violation, count in report.violations.items() if count}
    if not found:
        yield "none"
    for violation, count in found.items():
        yield f"{violation.value} {count:,}: {MEANINGS[violation]}"
        examples = report.examples[violation]
        more = " ..." if count > len(examples) else ""
        yield from (f"  {line}" for line in _wrapped(" ".join(examples) + more))


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join(f"{title if number == 0 else '':<{INDENT}}{line}".rstrip() for number, line in enumerate(lines))


def _aligned(rows: Sequence[tuple[str, ...]], words: int = 1) -> list[str]:
    """Return rows as columns: the first ``words`` of them begin, the others end in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if number < words else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - INDENT, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
