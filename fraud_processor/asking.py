"""What all commands about the database of cases do around their own work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.errors import EXIT_FAILURE, EXIT_UNAVAILABLE, SettingsError
from pipeline.runtime.database.engine import DatabaseFolderError, begun, is_missing, open_engine, shown
from pipeline.runtime.database.settings import CASES_DATABASE_URL
from pipeline.runtime.environment import Environment
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection


def asked_of(
    values: Mapping[str, str],
    work: Callable[[Connection], None],
    *,
    writes: bool,
    refused: tuple[type[Exception], ...],
) -> int:
    """Do something in a transaction of the database that the environment names, and return the exit code.

    ``refused`` are the errors that mean: this cannot be done; they are told, and the exit code is 1.
    """
    env = Environment(values)
    url = env.read(CASES_DATABASE_URL)
    try:
        env.check()
        if is_missing(url):
            told = f"there is no {shown(url)} yet ({CASES_DATABASE_URL.name}); the service makes it"
            return _fail(told, EXIT_UNAVAILABLE)
        engine = open_engine(url)
        try:
            with begun(engine, reading=not writes) as connection:
                work(connection)
        finally:
            engine.dispose()
    except refused as error:
        return _fail(str(error), EXIT_FAILURE)
    except SettingsError as error:
        return _fail(str(error), error.exit_code)
    except (EffectsError, DatabaseFolderError) as error:
        return _fail(str(error), EXIT_UNAVAILABLE)
    return 0


def _fail(told: str, code: int) -> int:
    sys.stderr.write(f"fraud_processor: {told}\n")
    return code
