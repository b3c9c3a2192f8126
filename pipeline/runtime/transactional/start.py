"""Where reading a partition begins. The client is told to decide nothing (``auto_offset_reset='none'``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable

LOST_OFFSETS_VARIABLE = "LOST_OFFSETS"
LOST_EFFECTS_VARIABLE = "LOST_EFFECTS"
REFUSE, BEGINNING, END = "refuse", "beginning", "end"


class LostOffsetsError(PipelineError):
    """Input that was never handled is gone, or what was handled is forgotten: a person has to decide."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What is known of a partition at its assignment; offsets, ``committed`` None where the group has none."""

    name: str
    committed: int | None
    beginning: int
    end: int


def start_offset(state: PartitionState, has_outputs: Callable[[], bool], lost: str) -> int:
    """Return the offset to read from.

    A partition without a committed offset is new, unless outputs of its records exist (``has_outputs``, which may
    be slow): then the offsets were lost, and to begin again would write everything twice. A committed offset outside
    of the log means that input is gone. ``lost`` says what to do then: refuse, or accept it and go to an end.

    Raises:
        LostOffsetsError: it has to be refused; the sentence names the range and what accepts it.

    """
    if state.committed is not None and state.beginning <= state.committed <= state.end:
        return state.committed
    if state.committed is None:
        # With all of its beginning still there, and nothing written because of it, it is simply new.
        if not has_outputs():
            return state.beginning
        what = f"{state.name} has outputs but no committed offset; reading from {state.beginning} would repeat them"
    elif state.committed < state.beginning:
        what = f"{state.name} lost offsets {state.committed} to {state.beginning - 1} to retention before we read them"
    else:
        what = f"{state.name} ends at {state.end}, before the committed offset {state.committed}: another log?"
    if lost == BEGINNING:
        return state.beginning
    if lost == END:
        return state.end
    message = (
        f"{what}. To accept it set {LOST_OFFSETS_VARIABLE}={BEGINNING} (read what is there) "
        f"or {LOST_OFFSETS_VARIABLE}={END} (go on with what comes), once"
    )
    raise LostOffsetsError(message)


def start_beside(
    state: PartitionState, saved: int | None, has_outputs: Callable[[], bool], lost: str, lost_effects: str
) -> int:
    """Return the offset to read from where effects are saved beside Kafka, up to ``saved``; None: never.

    A database that is behind Kafka was restored from a backup: what it lacks is read again. One that is ahead is so
    because of a commit that Kafka did not get: the same records come again, without effects.

    Raises:
        LostOffsetsError: what the database lacks is not in the log, or the database belongs to another log.

    """
    committed = state.committed
    if saved is None and not committed:
        return start_offset(state, has_outputs, lost)
    if saved is None:
        what = f"{state.name} was handled up to {committed}, and the database knows nothing of it: is it another one?"
    elif saved > state.end:
        what = f"{state.name} ends at {state.end}, and the database has effects up to {saved}: is it another log?"
    elif committed is None or committed <= saved:
        return start_offset(state, has_outputs, lost)
    elif saved >= state.beginning:
        return saved
    else:
        what = f"{state.name} lost offsets {saved} to {state.beginning - 1} to retention, and the database lacks them."
    if lost_effects == BEGINNING:
        return state.beginning
    if lost_effects == END:
        return start_offset(state, has_outputs, lost)
    message = (
        f"{what} To accept it set {LOST_EFFECTS_VARIABLE}={BEGINNING} (take the effects of all that the log has) "
        f"or {LOST_EFFECTS_VARIABLE}={END} (go on where Kafka stands), once"
    )
    raise LostOffsetsError(message)
