"""Writes cases: batches of alerts, each with the watermarks of the partitions that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from pipeline.runtime.database.prepared import Prepared, Several
from pipeline.runtime.database.slices import slices
from pipeline.runtime.database.watermarks import Watermarks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import BindParameter, Connection, Engine, Executable

    from fraud_processor.cases.alert import Alert
    from fraud_processor.cases.gathering import Gathered
    from pipeline.runtime.service import Source

WATERMARKS: Final = Watermarks(LogTables(LOGS, MARKS))
_FIGURES: Final = ("alerts", "severity", "score", "first", "last")  # columns of a ``Case``, in its order
_NOTHING: Final = Case(0, 0, 0, 0, 0)  # of one that was opened to be locked, and gets its alerts behind that
_COLUMNS: Final = CASES.c
# The columns of a new case, of one that grew and where it stands, and all of alerts and their hits: in the order of
# their tables.
_NEW: Final = (
    "subject",
    "subject_hash",
    "gathers",
    "state",
    "severity",
    "score",
    "alerts",
    "first",
    "last",
    "opened_at",
)
_CHANGED: Final = ("gathers", "severity", "score", "alerts", "first", "last")
_CHANGE: Final = Prepared(
    CASES.update().where(_COLUMNS.id == bindparam("changed")).values({name: bindparam(name) for name in _CHANGED}),
    (*_CHANGED, "changed"),
)
_OPEN: Final = Prepared(CASES.insert().returning(_COLUMNS.id), _NEW)
_ALERT: Final = Prepared(ALERTS.insert(), ALERTS.columns.keys())
_HIT: Final = Prepared(HITS.insert(), HITS.columns.keys())


def _opened_unless_there(dialect: str) -> Executable:
    insert = sqlite.insert if dialect == SQLITE else postgresql.insert
    return insert(CASES).on_conflict_do_nothing(
        index_elements=[_COLUMNS.subject_hash], index_where=_COLUMNS.gathers.is_(True)
    )


def _locked_by(hashes: Sequence[BindParameter[bytes]]) -> Executable:
    return (
        select(_COLUMNS.id, _COLUMNS.subject_hash, *(_COLUMNS[name] for name in _FIGURES))
        .where(_COLUMNS.subject_hash.in_(hashes), _COLUMNS.gathers.is_(True))
        .order_by(_COLUMNS.subject_hash)
        .with_for_update()
    )


_OPEN_UNLESS_THERE: Final = Prepared(_opened_unless_there, _NEW)
_LOCKED: Final = Several(_locked_by)


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
        changes: list[tuple[object, ...]] = []
        grown: list[tuple[int, Case]] = []
        opened: list[tuple[str, Gathered, bool]] = []
        joined: list[tuple[int, Alert]] = []
        for subject, (number, case) in self._gathering(connection, by_subject).items():
            first, *others = gather(case, by_subject[subject], self._window_us)
            changes.append((not others, *_figures(first.case), number))
            grown += [(number, first.case)] if first.new else []
            joined += [(number, alert) for alert in first.new]
            opened += [(subject, one, one is others[-1]) for one in others]
        _CHANGE.all(connection, changes)
        for subject, one, gathers in opened:  # behind the changes: of a subject one case gathers
            row = _row(subject, subject_hash(subject), one.case, gathers=gathers)
            number = _OPEN.rows(connection, row)[0][0]
            joined += [(number, alert) for alert in one.new]
            grown.append((number, one.case))
        _ALERT.all(connection, [self._alert_row(number, alert) for number, alert in joined])
        hits = [row for alert in alerts for row in self._hit_rows(alert)]
        if hits:
            _HIT.all(connection, hits)
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
            rows = [_row(by_hash[key], key, _NOTHING, gathers=True) for key in missing]
            _OPEN_UNLESS_THERE.all(connection, rows)
            found |= self._locked(connection, missing, by_hash)
        return found

    def _locked(
        self, connection: Connection, hashes: list[bytes], by_hash: Mapping[bytes, str]
    ) -> dict[str, tuple[int, Case | None]]:
        found: dict[str, tuple[int, Case | None]] = {}
        for some in slices(hashes):
            for number, key, *figures in _LOCKED.rows(connection, some):
                case = Case(*figures)
                found[by_hash[bytes(key)]] = number, (case if case.alerts else None)
        return found

    def _alert_row(self, case: int, alert: Alert) -> tuple[object, ...]:
        return (
            self._log,
            alert.partition,
            alert.offset,
            case,
            stored(alert.transaction_id),
            None if alert.source is None else stored(alert.source),
            stored(alert.target),
            alert.amount,
            alert.currency,
            alert.time_us,
            alert.severity,
            alert.score,
            alert.content,
            alert.key,
            alert.record_ms,
            alert.origin,
            alert.trace,
        )

    def _hit_rows(self, alert: Alert) -> Iterable[tuple[object, ...]]:
        for number, hit in enumerate(alert.hits):
            yield self._log, alert.partition, alert.offset, number, stored(hit.rule), hit.score, hit.counted


def _row(subject: str, key: bytes, case: Case, *, gathers: bool) -> tuple[object, ...]:
    return subject, key, gathers, OPEN, *_figures(case), now_us()


def _figures(case: Case) -> tuple[int, ...]:
    """Return the figures of a case, in the order of its table."""
    return case.severity, case.score, case.alerts, case.first_us, case.last_us
