"""Writes cases: batches of alerts, each with the watermarks of the partitions that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from fraud_processor.cases.gathering import Case, gather
from fraud_processor.cases.states import OPEN
from fraud_processor.cases.subject import subject_hash
from fraud_processor.outbox.notices import announce
from pipeline.contracts.cases import ALERTS, CASES, HITS, LOGS, MARKS
from pipeline.contracts.effect_tables import LogTables
from pipeline.runtime.clock import now_us
from pipeline.runtime.database.engine import SQLITE, begun
from pipeline.runtime.database.names import stored
from pipeline.runtime.database.slices import slices
from pipeline.runtime.database.watermarks import Watermarks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from fraud_processor.cases.alert import Alert
    from fraud_processor.cases.gathering import Gathered
    from pipeline.runtime.service import Source

WATERMARKS: Final = Watermarks(LogTables(LOGS, MARKS))
# The figures of a case, in their order, and the columns that hold them.
_FIGURES: Final = {
    "alerts": "alerts",
    "severity": "severity",
    "score": "score",
    "first_us": "first",
    "last_us": "last",
}
_NOTHING: Final = Case(0, 0, 0, 0, 0)  # of one that was opened to be locked, and gets its alerts behind that
_CHANGE: Final = (
    CASES.update()
    .where(CASES.c.id == bindparam("changed"))
    .values({name: bindparam(name) for name in ("gathers", *_FIGURES.values())})
)


class Cases:
    """The cases that come of one log, which is a topic of a cluster.

    ``window_us`` is how long a case gathers; ``floors`` are the outlets that are told of it, with how bad it has to be.

    Raises:
        EffectsError: from every method, where the database is away, busy or full.

    """

    def __init__(self, engine: Engine, window_us: int, floors: Mapping[str, int], source: Source) -> None:
        self._engine = engine
        self._floors = floors
        self._window_us = window_us
        with begun(engine) as connection:
            self._log = WATERMARKS.log(connection, source.cluster, source.topic_id, source.topic)

    def watermarks(self, partitions: Collection[int]) -> dict[int, int]:
        """Return behind which record the alerts of each partition are saved, of those that have any."""
        with begun(self._engine, reading=True) as connection:
            return WATERMARKS.read(connection, self._log, partitions)

    def save(self, before: Mapping[int, int], ends: Mapping[int, int], alerts: Sequence[Alert]) -> None:
        """Save alerts in their cases, and move watermarks from ``before`` to ``ends``: all of it or nothing.

        Raises:
            NotOursError: a watermark is not where it was.

        """
        with begun(self._engine) as connection:
            WATERMARKS.move(connection, self._log, before, ends)
            if alerts:
                self._insert(connection, alerts)

    def _insert(self, connection: Connection, alerts: Sequence[Alert]) -> None:
        by_subject: dict[str, list[Alert]] = {}
        for alert in alerts:
            by_subject.setdefault(alert.subject, []).append(alert)
        changes: list[dict[str, Any]] = []
        grown: list[tuple[int, Case]] = []
        opened: list[tuple[str, Gathered, bool]] = []
        joined: list[tuple[int, Alert]] = []
        for subject, (number, case) in self._gathering(connection, by_subject).items():
            first, *others = gather(case, by_subject[subject], self._window_us)
            changes.append({"changed": number, "gathers": not others, **_columns(first.case)})
            grown += [(number, first.case)] if first.new else []
            joined += [(number, alert) for alert in first.new]
            opened += [(subject, one, one is others[-1]) for one in others]
        connection.execute(_CHANGE, changes)
        for subject, one, gathers in opened:  # behind the changes: of a subject one case gathers
            row = _row(subject, one.case, gathers=gathers)
            number = connection.execute(CASES.insert().returning(CASES.c.id), row).scalar_one()
            joined += [(number, alert) for alert in one.new]
            grown.append((number, one.case))
        connection.execute(ALERTS.insert(), [self._alert_row(number, alert) for number, alert in joined])
        hits = [row for alert in alerts for row in self._hit_rows(alert)]
        if hits:
            connection.execute(HITS.insert(), hits)
        announce(connection, grown, self._floors)

    def _gathering(self, connection: Connection, subjects: Collection[str]) -> dict[str, tuple[int, Case | None]]:
        """Return the case that gathers for each subject, locked; of a new one there is only its number yet."""
        # In one order, whoever writes: two that want the same cases wait for each other, and not in a ring.
        by_hash = {subject_hash(subject): subject for subject in subjects}
        ordered = sorted(by_hash)
        found = self._locked(connection, ordered, by_hash)
        missing = [key for key in ordered if by_hash[key] not in found]
        if missing:
            # Another process may be opening the same one: who comes second takes that of the first.
            rows = [_row(by_hash[key], _NOTHING, gathers=True) for key in missing]
            insert = sqlite.insert if connection.dialect.name == SQLITE else postgresql.insert
            statement = insert(CASES).on_conflict_do_nothing(
                index_elements=[CASES.c.subject_hash], index_where=CASES.c.gathers.is_(True)
            )
            connection.execute(statement, rows)
            found |= self._locked(connection, missing, by_hash)
        return found

    def _locked(
        self, connection: Connection, hashes: list[bytes], by_hash: Mapping[bytes, str]
    ) -> dict[str, tuple[int, Case | None]]:
        found: dict[str, tuple[int, Case | None]] = {}
        columns = CASES.c
        for some in slices(hashes):
            wanted = (
                select(columns.id, columns.subject_hash, *(columns[name] for name in _FIGURES.values()))
                .where(columns.subject_hash.in_(some), columns.gathers.is_(True))
                .order_by(columns.subject_hash)
                .with_for_update()
            )
            for number, key, *figures in connection.execute(wanted):
                case = Case(*figures)
                found[by_hash[bytes(key)]] = number, (case if case.alerts else None)
        return found

    def _alert_row(self, case: int, alert: Alert) -> dict[str, Any]:
        return {
            **self._place(alert),
            "case_id": case,
            "transaction_id": stored(alert.transaction_id),
            "source": None if alert.source is None else stored(alert.source),
            "target": stored(alert.target),
            "amount": alert.amount,
            "currency": alert.currency,
            "time": alert.time_us,
            "severity": alert.severity,
            "score": alert.score,
            "content": alert.content,
            "key": alert.key,
            "record_ms": alert.record_ms,
            "origin": alert.origin,
            "trace": alert.trace,
        }

    def _hit_rows(self, alert: Alert) -> Iterable[dict[str, Any]]:
        for number, hit in enumerate(alert.hits):
            named = {"number": number, "rule": stored(hit.rule), "score": hit.score, "counted": hit.counted}
            yield {**self._place(alert), **named}

    def _place(self, alert: Alert) -> dict[str, Any]:
        return {"log": self._log, "partition": alert.partition, "offset": alert.offset}


def _row(subject: str, case: Case, *, gathers: bool) -> dict[str, Any]:
    return {
        "subject": subject,
        "subject_hash": subject_hash(subject),
        "gathers": gathers,
        "state": OPEN,
        **_columns(case),
        "opened_at": now_us(),
    }


def _columns(case: Case) -> dict[str, int]:
    return {column: getattr(case, name) for name, column in _FIGURES.items()}
