"""What Python's collector of cycles is told: in services nearly nothing that lives long is garbage."""

from __future__ import annotations

import gc
from typing import Final

# Objects beyond those that are gone again, before the youngest are walked. At Python's own 700, what rules remember of
# keys that are new is walked twice before it is frozen, and a batch of records dozens of times.
YOUNG: Final = 20_000


def settle() -> None:
    """Let whatever is there now stay until the end, unless it is garbage, and walk what is new more seldom.

    What is there is modules above all: to walk them again takes tens of milliseconds in the middle of a transaction.
    """
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(YOUNG, *older)
