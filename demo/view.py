"""The live view: a block that is drawn over at a terminal, plain lines every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics

if TYPE_CHECKING:
    from typing import TextIO

    from demo.observation import Seen
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.settings import TopicNames

DRAW_SECONDS: Final = 0.5
LINE_SECONDS: Final = 5.0

MOST_RULES: Final = 12

HOME_AND_CLEAR: Final = "\x1b[H\x1b[J"
BOLD, GREEN, RED, YELLOW, DIM, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"

COLOURS: Final = {topics.LEGIT: GREEN, topics.FRAUD: RED}


class View:
    """Shows figures on ``stream``. ``hint`` says how to look closer and where the logs are."""

    def __init__(self, stream: TextIO, names: TopicNames, hint: str) -> None:
        self._stream = stream
        self._names = names
        self._hint = hint
        self._terminal = stream.isatty()
        self._started = time.monotonic()
        self._shown = float("-inf")
        self._said = ""

    def show(self, seen: Seen) -> None:
        """Show the figures, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._shown < (DRAW_SECONDS if self._terminal else LINE_SECONDS):
            return
        self._shown = now
        text = HOME_AND_CLEAR + self.block(seen) if self._terminal else self.line(seen)
        self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """Show a sentence: as a line of its own, or in the block from now on."""
        self._said = text
        if not self._terminal:
            self._stream.write(text + "\n")
            self._stream.flush()

    def line(self, seen: Seen) -> str:
        """Return the figures as one plain line."""
        lag = " ".join(f"{service}={count}" for service, count in seen.lags.items())
        rules = " ".join(f"{rule}={count}" for rule, count in seen.rules.most_common())
        latest = f" | rules {rules} | latest fraud: {seen.frauds[-1]}" if seen.frauds else ""
        return (
            f"{time.monotonic() - self._started:4.0f} s  in {seen.totals[topics.TRANSACTIONS]} "
            f"({seen.rates.get(topics.TRANSACTIONS, 0.0):.0f}/s)  legit {seen.totals[topics.LEGIT]}  "
            f"fraud {seen.totals[topics.FRAUD]} ({share(seen):.1%})  dead letters {letters(seen)}  lag {lag}{latest}"
        )

    def block(self, seen: Seen) -> str:
        """Return the figures as lines with colours."""
        width = max(len(self._names[topic]) for topic in topics.STREAMS)
        lines = [
            f"{BOLD}fraud pipeline{PLAIN}  {time.monotonic() - self._started:.0f} s  {DIM}Ctrl-C ends it{PLAIN}",
            "",
            f"{DIM}{'topic':<{width}}  {'records':>12}  {'per second':>10}{PLAIN}",
        ]
        lines += [self._topic_row(topic, seen, width) for topic in topics.STREAMS]
        lines += ["", f"fraud share {share(seen):.1%}", ""]
        lines.append(f"{DIM}{'service':<{width}}  {'lag':>12}{PLAIN}")
        lines += [f"{service:<{width}}  {lag:>12,}" for service, lag in seen.lags.items()]
        if seen.rules:
            lines += ["", f"{DIM}{'rule':<{width}}  {'in frauds':>12}{PLAIN}"]
            lines += [f"{rule:<{width}}  {count:>12,}" for rule, count in seen.rules.most_common(MOST_RULES)]
        lines += ["", f"{DIM}latest fraud{PLAIN}"]
        lines += [f"{RED}{fraud}{PLAIN}" for fraud in reversed(seen.frauds)]
        lines += ["", f"{DIM}{self._hint}{PLAIN}"]
        return "\n".join([*lines, self._said] if self._said else lines)

    def _topic_row(self, topic: Topic, seen: Seen, width: int) -> str:
        total = seen.totals[topic]
        colour = COLOURS.get(topic, YELLOW if topic.dead_letter_of is not None and total else "")
        return f"{colour}{self._names[topic]:<{width}}  {total:>12,}  {seen.rates.get(topic, 0.0):>10,.1f}{PLAIN}"


def share(seen: Seen) -> float:
    """Return which part of the judged transactions is fraud, from 0 to 1."""
    judged = seen.totals[topics.LEGIT] + seen.totals[topics.FRAUD]
    return seen.totals[topics.FRAUD] / judged if judged else 0.0


def letters(seen: Seen) -> int:
    """Return the number of dead letters of all topics."""
    return sum(seen.totals[topic] for topic in topics.STREAMS if topic.dead_letter_of is not None)
