"""The function that takes a transaction into memory: written for a plan, since a plan's loops are most of its cost.

Its text is of our words alone; whatever a file says is bound (see ``expressions.code``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import DecimalException
from typing import TYPE_CHECKING, Any

from detector.rules.expressions.code import bound, function
from detector.rules.expressions.kinds import EvaluationError
from detector.rules.subject import Subject
from detector.rules.windows import way
from detector.rules.windows.at import LATE, MANY
from detector.rules.windows.clock import moved
from detector.rules.windows.doubt import look
from detector.rules.windows.kept import KNOWN_US
from detector.rules.windows.numbers import GAP
from detector.rules.windows.series import Form, in_currency
from detector.rules.windows.view import ALIKE
from pipeline.contracts.moments import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.rules.windows.engine import Windows
    from detector.rules.windows.inputs import Step
    from detector.rules.windows.plan import Key, Plan
    from detector.rules.windows.view import View
    from pipeline.contracts.messages import Transaction


Take = Callable[[int, int, "Transaction"], Subject]


def take_of(plan: Plan, windows: Windows, *, gated: bool = False) -> Take:
    """Return what takes a transaction of a partition and a record's time into ``windows`` (see ``Windows.take``).

    ``gated``: only into what the gate of the partition lets it.
    """
    text = _Text(windows.batch.lateness_us, windows.batch.newest, gated=gated)
    batch = windows.batch
    text.held |= {"windows": windows, "batch": batch, "undo": batch.undo.append, "touched": batch.touched.append}
    text.add(
        0,
        "s = Subject(t)",
        "if batch.waiting: batch.fold()",
        # As ``moments`` has it: a division of durations takes longer.
        "since = t.timestamp - epoch",
        "s.time_us = time_us = (since.days * 86400 + since.seconds) * 1000000 + since.microseconds",
        *([] if way.COMPILED else ["moment = packed(time_us)"]),
    )
    text.add(0, "record_us = record_ms * 1000", "late_us = record_us + lateness_us", "number = batch.number")
    text.add(0, "held = windows.partitions.get(partition) or windows.begun(partition)")
    if not gated:
        text.add(0, "if held.size > held.most: windows.evict(held)")
    text.add(0, "newest_us = held.newest_us + 1", "if record_us > newest_us: newest_us = record_us")
    text.add(0, f"held.newest_us, gone_us, total = newest_us, newest_us - {plan.reach_us + KNOWN_US}, 0")
    text.add(0, "if gone_us < held.evicted_us: gone_us = held.evicted_us")
    always = {id(one): one for key in plan.keys for view in key.views if view.condition is None for one in view.inputs}
    text.steps(0, [*plan.conditions, *always.values()])
    for number, key in enumerate(plan.keys):
        text.key(number, key, known=set(always))
    text.add(0, "held.size += total", "return s")
    made: Take = function("take", "partition, record_ms, t", text.lines, text.held)
    return made


class _Text:
    """The lines of the function, and what their names stand for."""

    def __init__(self, lateness_us: int, newest: int, *, gated: bool) -> None:
        self.gated = gated
        self.lateness_us = lateness_us
        self.lines: list[str] = []
        self.held: dict[str, Any] = {
            "Subject": Subject,
            "EvaluationError": EvaluationError,
            "DecimalException": DecimalException,
            "epoch": EPOCH,
            "alike": ALIKE.setdefault,
            "moved": moved,
            "packed": struct.Struct("q").pack,
            "Unfit": struct.error,
            "doubted": look,
            "in_currency": in_currency,
            "lateness_us": lateness_us,
            "newest": newest,
            "gap": GAP,
            "many": MANY,
            "unknown": LATE,
        }

    def add(self, depth: int, *lines: str) -> None:
        """Add lines, so many levels deep."""
        self.lines += ["    " * depth + line for line in lines]

    def name(self, value: object) -> str:
        """Return the name of a value."""
        made = bound(value)
        self.held |= made.bound
        return made.text

    def steps(self, depth: int, steps: Iterable[Step]) -> None:
        """Evaluate, in this order."""
        for step in steps:
            self.held |= step.bound
            self.add(depth, *step.lines)

    def key(self, number: int, key: Key, known: set[int]) -> None:
        """Bring a key's value to hand and put the transaction into its series; ``known`` are inputs by ``id``."""
        self.held |= key.value.bound
        at = self.name(key.at)
        self.add(0, "try:", f"    value = {key.value.text}")
        if self.gated:
            self.add(1, "held.gate.look(value)")
        self.add(0, "except EvaluationError as error:", f"    {at}.lack(s, error)")
        self.add(0, "else:")
        if way.COMPILED:
            self.calls(number, key, known)
        else:
            self.written(number, key, known)

    def calls(self, number: int, key: Key, known: set[int]) -> None:
        """Let compiled code do it: as ``written``, by calls."""
        at, reach_us = self.name(key.at), max(one.reach_us for one in key.views)
        self.add(1, f"kept = {at}.bring(held, {number}, value, s, record_us, gone_us, {reach_us}, batch)")
        for view in key.views:
            depth, name = 1, self.name(view)
            if view.condition is not None:
                self.add(1, f"if {view.condition.name.text}:")
                depth = 2
                self.steps(depth, [one for one in view.inputs if id(one) not in known])
            cells = "".join(f"{one.name.text}, " for one in view.inputs if one.form is not Form.PLAIN)
            texts = "".join(f"{one.name.text}, " for one in view.inputs if one.form is Form.PLAIN)
            currency = "t.currency" if view.money else repr("")
            self.add(depth, f"{name}.take(s, kept, {currency}, ({cells}), ({_scales(view)}), ({texts}), batch, held)")
            if view.counts and view.condition is not None:
                self.add(1, f"else: {name}.leave(kept)")
        self.add(1, f"{at}.leave(held)")

    def written(self, number: int, key: Key, known: set[int]) -> None:
        """Write out how a value is brought to hand and the transaction put into its series."""
        # What is used more than once has a name of the function's own: one that is bound costs more, each time.
        self.add(1, f"at = {self.name(key.at)}", f"kept = held.values[{number}].get(value)")
        self.add(1, "if kept is None:")
        self.add(2, f"kept = held.begun({number}, value, batch)")
        self.add(1, "elif kept.seen_us < gone_us:", f"    kept = held.anew({number}, value, kept, batch)")
        self.add(1, "elif kept.batch != number:")
        self.add(2, "kept.batch, kept.settled_us, kept.before_us = number, kept.clock_us, kept.seen_us")
        self.add(2, "kept.before, kept.bucket.changed = kept.size, True", "touched(kept)")
        self.add(1, "kept.seen_us = newest_us", "base_us = time_us", "if time_us > kept.clock_us:")
        self.add(2, "if time_us <= late_us: kept.clock_us = time_us")
        self.add(2, "else: kept.clock_us = moved(kept.clock_us, time_us, record_us, lateness_us)")
        self.add(1, "elif time_us < kept.clock_us - lateness_us:")
        self.add(2, "base_us, s.late = kept.clock_us - lateness_us, True")
        self.add(1, "at.subject = s", "at.missing = None", "at.kept = kept")
        self.add(1, "if kept.doubt is not None:")
        self.add(2, f"doubted(kept, s, (time_us, record_us, base_us), {max(one.reach_us for one in key.views)}, batch)")
        self.add(1, "at.time_us = time_us", "at.base_us = base_us", "every = kept.series")
        # What series take beside one more row each, they count themselves.
        always = sum(view.layout.size for view in key.views if view.condition is None)
        self.add(1, "size = kept.size", f"grown = {always}")
        for view in key.views:
            depth = 1
            if view.condition is not None:
                self.add(1, f"if {view.condition.name.text}:", f"    grown += {view.layout.size}")
                depth = 2
                self.steps(depth, [one for one in view.inputs if id(one) not in known])
            self.view(depth, view)
            if view.counts and view.condition is not None:
                name = self.name(view)
                self.add(1, "else:", f"    {name}.most = 0 if every[{view.index}] is None else many")
                self.add(2, f"{name}.times = unknown")
        self.add(1, "kept.size += grown", "total += kept.size - size")

    def view(self, depth: int, view: View) -> None:
        """Put the transaction into a series."""
        row = "".join(f"{one.whole}, " for one in view.inputs)
        self.add(depth, f"view, series = {self.name(view)}, every[{view.index}]")
        if view.money:
            # Most have one currency, or two.
            self.add(depth, "if series is not None and series.currency != t.currency:", "    series = series.other")
            self.add(depth + 1, "if series is not None and series.currency != t.currency:")
            self.add(depth + 2, "series = in_currency(series, t.currency)")
        begin = f"series = view.begun({'t.currency' if view.money else repr('')}, kept, batch)"
        self.add(
            depth,
            "if series is None:",
            f"    {begin}",
            f"    series.scales = alike(({_scales(view)}), ({_scales(view)}))",
        )
        self.add(depth, "view.subject = s", "view.series = series", "times = series.times")
        self.add(depth, "start, end = series.start, len(times)")
        self.add(depth, f"if start < end and times[start] <= time_us - {view.reach_us + self.lateness_us}:")
        self.add(depth, "    start = view.expire(series, kept, batch)")
        self.add(depth, "if start < end and (time_us < times[-1] or end - start >= newest):")
        self.add(depth, f"    view.put(series, kept, ({row}), batch, held)")
        unknown = "    view.most, view.times = many, unknown"
        self.add(depth, *([unknown] if view.counts else []), "else:")
        # As nearly always: the newest of a history that is not full.
        self.add(depth + 1, "undo(series)", "times.frombytes(moment)", "view.hi = end + 1")
        self.add(depth + 1, "view.own = True")
        if view.counts:
            self.add(depth + 1, "if series.ladders is None: view.most, view.times = end + 1 - start, times")
            self.add(depth + 1, "else: view.most, view.times = many, unknown")
        self.values(depth + 1, view, row)

    def values(self, depth: int, view: View, row: str) -> None:
        """Put the values of the newest transaction into their rows, at once where all are as nearly always."""
        texts = {number: one.name.text for number, one in enumerate(view.inputs) if one.form is Form.PLAIN}
        cells = [one for one in view.inputs if one.form is not Form.PLAIN]
        if cells:
            wholes = "".join(f"{one.name.text}, " for one in cells)
            there = "".join(f"{one.name.text} != gap and " for one in cells if one.form is Form.NUMBER)
            self.add(depth, f"if {there}series.scales == ({_scales(view)}):")
            # Bytes go into an array in a fraction of the time that its own numbers take, but for a single one.
            packed = self.name(struct.Struct(f"{len(cells)}q").pack)
            put = f"frombytes({packed}({wholes}))" if len(cells) > 1 else f"append({cells[0].name.text})"
            self.add(depth + 1, f"try: series.cells.{put}")
            self.add(depth + 1, f"except (Unfit, TypeError, OverflowError): series.mend(({row}))")
            self.add(depth + 1, *(["else:"] if texts else []))
            self.texts(depth + 2, texts)
            self.add(depth, f"else: series.add(({row}))")
        else:
            self.texts(depth, texts)

    def texts(self, depth: int, texts: dict[int, str]) -> None:
        """Put plain values into their rows; ``texts`` are their names by the number of their columns."""
        if texts:
            self.add(depth, f"series.texts.extend(({''.join(f'{name}, ' for name in texts.values())}))")
        for number, name in texts.items():
            self.add(depth, f"if {name} is None: series.gaps |= {1 << number}")


def _scales(view: View) -> str:
    return "".join(f"{one.scale}, " for one in view.inputs if one.form is not Form.PLAIN)
