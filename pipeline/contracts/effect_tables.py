"""Tables that every database of effects has: whose effects these are, and how far they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, UniqueConstraint

if TYPE_CHECKING:
    from sqlalchemy import MetaData


class LogTables(NamedTuple):
    """``logs`` are topics of clusters: one that was deleted and made anew is another. ``marks`` are how far each goes.

    A watermark is the offset behind the last record of a partition whose effects are saved.
    """

    logs: Table
    marks: Table


def log_tables(metadata: MetaData) -> LogTables:
    """Return the two tables, as part of a database."""
    logs = Table(
        "logs",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("cluster", String(64), nullable=False),
        Column("topic_id", String(64), nullable=False),
        Column("topic", String(249), nullable=False),
        UniqueConstraint("cluster", "topic_id"),
    )
    marks = Table(
        "watermarks",
        metadata,
        Column("log", ForeignKey("logs.id"), primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("at", BigInteger, nullable=False),
    )
    return LogTables(logs, marks)


def place() -> list[Column[int]]:
    """Return the columns of where a record stands: the key of everything that came of it."""
    return [
        Column("log", ForeignKey("logs.id"), primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("offset", BigInteger, primary_key=True),
    ]
