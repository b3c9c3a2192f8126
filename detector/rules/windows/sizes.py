"""What is remembered, in bytes, by a formula of counts: every process comes to the same, whatever its own memory is.

What Python really takes depends on its release, on how arrays grow, and on what was given back; docs/rules.md says how
far the two are apart. So this is what bounds are compared with, and nothing that was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from detector.rules.windows.panes import Ladder, Pane
    from detector.rules.windows.plan import Key
    from detector.rules.windows.series import Series

UNBOUNDED: Final = 1 << 62

KEY_BYTES: Final = 500  # of a value of a key: itself, its clock, and where it is found
SERIES_BYTES: Final = 380  # of each series that has begun, with room for its first transactions
CELL_BYTES: Final = 8  # of a transaction in a series: its time, and each value that is a number
TEXT_BYTES: Final = 64  # and each that is a text
PANE_BYTES: Final = 200
PANE_CELL_BYTES: Final = 500  # of each column of a pane
HASH_BYTES: Final = 100  # and of each hash in it
# What is packed tells sizes by it.
FORMULA: Final = (KEY_BYTES, SERIES_BYTES, CELL_BYTES, TEXT_BYTES, PANE_BYTES, PANE_CELL_BYTES, HASH_BYTES)


def row_bytes(cells: int, texts: int) -> int:
    """Return what a transaction takes in a series, with so many values that are numbers, and texts."""
    return CELL_BYTES * (1 + cells) + TEXT_BYTES * texts


def pane_bytes(pane: Pane) -> int:
    """Return what a pane takes."""
    return PANE_BYTES + sum(PANE_CELL_BYTES + HASH_BYTES * len(cell.smallest) for cell in pane.cells)


def ladders_bytes(ladders: tuple[Ladder, ...] | None) -> int:
    """Return what the panes of a series take, all widths together."""
    return sum(pane_bytes(pane) for ladder in ladders or () for pane in ladder.panes.values())


def series_bytes(series: Series | None) -> int:
    """Return what a series takes, with those of other currencies: beside the key, all that there is of a value."""
    found = 0
    while series is not None:
        held = len(series.times) - series.start
        found += SERIES_BYTES + held * series.layout.size + ladders_bytes(series.ladders)
        series = series.other
    return found


def estimate(key: Key, transactions: int) -> int:
    """Return what a value of a key takes with so many transactions in each of its series, none of them in panes."""
    return KEY_BYTES + sum(SERIES_BYTES + transactions * view.layout.size for view in key.views)


def most_bytes(key: Key, newest: int, panes: int, smallest: int) -> int:
    """Return what a value of a key takes at the most: of each series, so many transactions, panes and hashes.

    Of series by currency, one is counted.
    """
    found = estimate(key, newest)
    for view in key.views:
        hashes = sum(form.name == "HASH" for form in view.forms)
        pane = PANE_BYTES + PANE_CELL_BYTES * len(view.forms) + HASH_BYTES * smallest * hashes
        found += panes * len(view.widths if view.folds else ()) * pane
    return found
