"""Where reading a partition begins. The client is told to decide nothing (``auto_offset_reset='none'``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable

LOST_OFFSETS_VARIABLE = "LOST_OFFSETS"
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
