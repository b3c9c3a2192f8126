"""Enters records as they were read into the books: looks at their headers, never at their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.contracts import headers
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.deadletters.letters import attempt_in, is_marker, read_marker

if TYPE_CHECKING:
    from pipeline.contracts.topics import Topic
    from pipeline.operations.audit.accounting import Books
    from pipeline.operations.audit.branches import BranchBooks
    from pipeline.operations.audit.report import Outcome


def enter_outcome(books: Books, topic: Topic, outcome: Outcome, record: Any) -> None:  # noqa: ANN401 (a client's record)
    """Enter a record of an output that is no marker."""
    origin = headers.coordinates_in(record.headers, headers.ORIGIN)
    if origin is None:
        books.add_unreadable(topic.key, Coordinates(record.partition, record.offset))
    else:
        books.add_outcome(outcome, origin)


def enter_under_way(books: Books, record: Any) -> None:  # noqa: ANN401 (as above)
    """Enter a record that stands between two stages; what names no origin becomes a dead letter without one."""
    origin = headers.coordinates_in(record.headers, headers.ORIGIN)
    if origin is not None:
        books.add_under_way(origin)


def enter_record(books: Books, branch: BranchBooks, outcome: Outcome, record: Any) -> None:  # noqa: ANN401 (as above)
    """Enter a record of a branch: an outcome, unless it was sent again or released, and something to have an effect."""
    origin = headers.coordinates_in(record.headers, headers.ORIGIN)
    retried = attempt_in(record.headers) > 0
    branch.add_record(record.partition, record.offset, judged=books.scope.concerns(origin), retried=retried)
    if origin is None:
        books.add_unreadable(branch.scope.topic.key, Coordinates(record.partition, record.offset))
    elif headers.find(record.headers, headers.RELEASED) is not None:
        books.add_released(origin)
    elif not retried:
        books.add_outcome(outcome, origin)


def enter_letter(books: Books, branch: BranchBooks, topic: Topic, record: Any) -> None:  # noqa: ANN401 (as above)
    """Enter a record of ``topic``, the dead letters of a branch: a letter, a marker, or neither."""
    if is_marker(record.headers):
        marker = read_marker(record.headers)
        if marker is not None:
            branch.add_marker(marker.became)
        return
    origin = headers.coordinates_in(record.headers, headers.ORIGIN)
    if origin is not None and not books.scope.concerns(origin):
        return
    source = headers.coordinates_in(record.headers, headers.SOURCE)
    if source is None:
        books.add_unreadable(topic.key, Coordinates(record.partition, record.offset))
    else:
        branch.add_letter(source)
