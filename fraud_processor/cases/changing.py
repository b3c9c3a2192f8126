"""What people do to a case: each step is kept, with who and when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select, update

from fraud_processor.cases.states import ACKNOWLEDGED, CONFIRMED, FALSE_ALARM, RESOLVED, STATES, refusal
from fraud_processor.outbox import box
from pipeline.contracts.case_requests import MAX_NOTE_CHARACTERS, MAX_WHO_CHARACTERS
from pipeline.contracts.cases import CASES, STEPS
from pipeline.runtime.database.names import stored

if TYPE_CHECKING:
    from sqlalchemy import Connection

LABELS_OUTLET: Final = "labels"
RELEASED_OUTLET: Final = "released"
NOTE: Final = "note"
RELEASED: Final = "released"
# What resolving a case says of its transactions; to close one says nothing.
FRAUD: Final = {CONFIRMED: True, FALSE_ALARM: False}


class NoCaseError(Exception):
    """There is no case of this number."""


class NotPossibleError(Exception):
    """The case is in a state in which this cannot be done."""


class By(NamedTuple):
    """Who does something to a case, when in microseconds since 1970, and what they have to say."""

    who: str
    at_us: int
    note: str = ""


def remark(connection: Connection, number: int, by: By) -> None:
    """Keep a note, in whatever state the case is.

    Raises:
        NoCaseError: there is none.

    """
    _state(connection, number)
    _keep(connection, number, NOTE, by)


def move(connection: Connection, number: int, state: str, by: By) -> None:
    """Bring a case into a state; what is resolved gathers no more alerts, and its transactions get labels.

    Raises:
        NoCaseError: there is none.
        NotPossibleError: it cannot go there.

    """
    if state not in STATES:
        raise NotPossibleError(f"there is no state {state}")
    why_not = refusal(_state(connection, number), state)
    if why_not is not None:
        raise NotPossibleError(f"case {number}: {why_not}")
    values = {"state": state, "gathers": False} if state in RESOLVED else {"state": state}
    connection.execute(update(CASES).where(CASES.c.id == number).values(values))
    _keep(connection, number, state, by)
    if state in FRAUD:
        body = json.dumps({"case": number, "fraud": FRAUD[state], "known_us": by.at_us})
        box.queue(connection, LABELS_OUTLET, f"labels-{number}", body, by.at_us)


def release(connection: Connection, number: int, by: By) -> None:
    """Let the payments of a false alarm be settled after all, once; see :func:`move`, which comes before it.

    Raises:
        NoCaseError: there is none.
        NotPossibleError: it is no false alarm, or that was done before.

    """
    if _state(connection, number) != FALSE_ALARM:
        raise NotPossibleError(f"case {number}: only what was a false alarm is released")
    before = select(STEPS.c.id).where(STEPS.c.case_id == number, STEPS.c.what == RELEASED)
    if connection.execute(before).first() is not None:
        raise NotPossibleError(f"case {number}: its payments are released already")
    _keep(connection, number, RELEASED, by)
    box.queue(connection, RELEASED_OUTLET, f"released-{number}", json.dumps({"case": number}), by.at_us)


def acknowledge(connection: Connection, number: int, by: By) -> None:
    """Say that somebody is at it; see :func:`move`."""
    move(connection, number, ACKNOWLEDGED, by)


def _state(connection: Connection, number: int) -> str:
    """Return the state of a case, which nobody else changes until the transaction ends."""
    state = connection.execute(select(CASES.c.state).where(CASES.c.id == number).with_for_update()).scalar()
    if state is None:
        raise NoCaseError(f"there is no case {number}")
    return str(state)


def _keep(connection: Connection, number: int, what: str, by: By) -> None:
    who, note = stored(by.who[:MAX_WHO_CHARACTERS]), stored(by.note[:MAX_NOTE_CHARACTERS])
    connection.execute(STEPS.insert().values(case_id=number, at=by.at_us, who=who, what=what, note=note))
