"""The databases in which processors keep what they did, as far as the environment names them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts import cases, ledger, topics
from pipeline.operations.audit.rows import ByRows, Kept
from pipeline.runtime.database.engine import is_missing, open_engine
from pipeline.runtime.database.settings import CASES_DATABASE_URL, LEDGER_DATABASE_URL
from pipeline.runtime.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.environment import Variable


class _Named(NamedTuple):
    variable: Variable[str]
    kept: Kept


OF_BRANCHES: Final = {
    topics.LEGIT: _Named(LEDGER_DATABASE_URL, Kept("ledger", ledger.LOGS, (ledger.BOOKINGS, ledger.REPEATS))),
    topics.FRAUD: _Named(CASES_DATABASE_URL, Kept("cases", cases.LOGS, (cases.ALERTS,))),
}


class Databases:
    """Of each branch whose database is named: its connections, or None where there is no file yet."""

    def __init__(self, engines: Mapping[Topic, Engine | None]) -> None:
        self._engines = engines

    def effects(self, cluster: str, facts: Mapping[Topic, TopicFacts]) -> dict[str, ByRows]:
        """Return what tells of the effects, by the key of the branch's topic; ``facts`` has the topics."""
        return {
            branch.key: ByRows(OF_BRANCHES[branch].kept, engine, cluster, facts[branch].id)
            for branch, engine in self._engines.items()
        }


NO_DATABASES: Final = Databases({})


@contextmanager
def opened(environ: Mapping[str, str]) -> Iterator[Databases]:
    """Yield the databases that are named; of the others, offsets are believed.

    Raises:
        SettingsError: a name is not that of a database.

    """
    env = Environment(environ)
    urls = {branch: env.read(named.variable) for branch, named in OF_BRANCHES.items()}
    env.check()
    with ExitStack() as stack:
        engines: dict[Topic, Engine | None] = {}
        for branch, url in urls.items():
            if not environ.get(OF_BRANCHES[branch].variable.name, "").strip():
                continue
            engines[branch] = None
            if not is_missing(url):
                engine = engines[branch] = open_engine(url)
                stack.callback(engine.dispose)
        yield Databases(engines)
