"""Random rules over random histories, batches aborted at random: the engine sees what the oracle sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from detector.rules.expressions import Compiled, EvaluationError, Kind, Names, compile_expression
from detector.rules.loading import load_rules
from detector.rules.showing import exact
from detector.rules.windows import distinct, panes
from detector.rules.windows.engine import Windows
from pipeline.contracts.messages import Transaction
from tests.unit.windows_oracle import Asked, Bounds, Log

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from detector.rules.subject import Subject
    from tests.unit.windows_oracle import Value

CASES: Final = 1_000
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
MEMBERS: Final = {"n": Kind.NUMBER, "place": Kind.TEXT, "flag": Kind.TRUTH}
WIDTHS: Final = {"1ms": 1_000, "1s": 10**6, "90s": 90 * 10**6, "1h": 3_600 * 10**6, "30d": 30 * 86_400 * 10**6}
NUMERIC: Final = ("amount", "n", "n * 2 - 1", "amount * n")
ORDERED: Final = (*NUMERIC, "timestamp")
ANY: Final = (*ORDERED, "target", "place", "flag", "amount > 5")
TAKES: Final = {
    "count": (None,),
    **dict.fromkeys(("sum", "avg", "stddev"), NUMERIC),
    **dict.fromkeys(("min", "max"), ORDERED),
    **dict.fromkeys(("count_distinct", "first", "last", "previous"), ANY),
}
CONDITIONS: Final = ("flag", "n > 0", "amount > 5", 'target == "t"', "amount > 5 and currency == 'EUR'")
KEYS: Final = (("source",), ("target",), ("source", "place"), ("amount",))
names = Names(MEMBERS)


@dataclass(frozen=True)
class OneRule:
    """A rule to be; ``steps`` before its last, which holds always."""

    key: tuple[str, ...]
    filter: str | None
    currency: str
    aggregates: tuple[tuple[str, str | None, str, str | None], ...]
    steps: tuple[str, ...]
    within: str

    def text(self, at: int) -> str:
        """Return it as a file has it. It hits whatever happens, so that its values are seen."""
        told = [_called(*one) for one in self.aggregates]
        lines = [f"id: rule-{at}", f"key: [{', '.join(self.key)}]", f"currency: {self.currency}", "on_error: hit"]
        lines.append("when: " + " or ".join(["amount >= 0", *(f"{one} == {one}" for one in told)]))
        if self.filter:
            lines.append(f"filter: {self.filter}")
        if self.steps:
            steps = ", ".join([*(f"'{_quoted(one)}'" for one in self.steps), "amount >= 0"])
            lines += [f"sequence: [{steps}]", f"within: {self.within}"]
        return "  - " + "\n    ".join(lines)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _called(function: str, of: str | None, width: str, where: str | None) -> str:
    given = [*([of] if of else []), f'"{width}"', *([f"where={where}"] if where else [])]
    return f"{function}({', '.join(given)})"


@dataclass(frozen=True)
class Entry:
    """A record of the log."""

    partition: int
    timestamp_ms: int
    transaction: Transaction


@st.composite
def aggregates(draw: st.DrawFn) -> tuple[str, str | None, str, str | None]:
    """Return an aggregate: function, value, window, filter."""
    function = draw(st.sampled_from(list(TAKES)))
    of = draw(st.sampled_from(TAKES[function]))
    return function, of, draw(st.sampled_from(list(WIDTHS))), draw(st.sampled_from((None, None, *CONDITIONS)))


rules = st.builds(
    OneRule,
    st.sampled_from(KEYS),
    st.sampled_from((None, None, *CONDITIONS)),
    st.sampled_from(("any", "EUR")),
    st.lists(aggregates(), min_size=1, max_size=3).map(tuple),
    st.one_of(st.just(()), st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3).map(tuple)),
    st.sampled_from(list(WIDTHS)),
)
amounts = st.sampled_from(["0.00", "1.10", "5.01", "5.00", "700.25", "999999999999999.99"])
entries = st.tuples(
    st.integers(0, 1),  # partition
    st.sampled_from(
        (0, 0, 1, 500, 10**6, 60 * 10**6, 3_599 * 10**6, 86_400 * 10**6, 3 * 86_400 * 10**6, 400 * 86_400 * 10**6)
    ),
    st.sampled_from((0, 0, 0, 1, 1_000, 5 * 10**6, 3_600 * 10**6, 7 * 86_400 * 10**6)),  # how late it is
    st.sampled_from((0, 0, -3_600_000, 1_000)),  # its record's time beside the log's
    st.sampled_from(("a", "a", "a", "b", None)),
    st.sampled_from("ttuvw"),
    st.sampled_from(("EUR", "EUR", "JPY")),
    amounts,
    st.sampled_from((1, -2, Decimal("0.5"), Decimal("1e-40"), Decimal("1e33"), 7, "7", None, True)),
    st.sampled_from(("x", "y", 3, None)),
    st.sampled_from((True, True, False, "true", None)),
)


def log_of(drawn: list[tuple[Any, ...]]) -> list[Entry]:
    """Return a log whose time goes on, in which some come late and some far ahead."""
    clock, found = BEGIN, []
    for number, (partition, step, late, skew, source, target, currency, amount, n, place, flag) in enumerate(drawn):
        jump = step > 100 * 86_400 * 10**6
        if not jump:
            clock += timedelta(microseconds=step)
        time = clock + timedelta(microseconds=step if jump else -late)
        decimals = Decimal(1) if currency == "JPY" else Decimal("0.01")
        members = {"n": n, "place": place, "flag": flag}
        made = Transaction(
            id=f"id-{number}",
            source=source,
            target=target,
            amount=Decimal(amount).quantize(decimals),
            currency=currency,
            timestamp=time,
            method="TRANSFER",
            attributes={name: value for name, value in members.items() if value is not None},
        )
        found.append(Entry(partition, int(clock.timestamp() * 1000) + skew, made))
    return found


def closure(text: str, currency: str) -> tuple[Value, Kind]:
    """Return an expression for the oracle: it has no value where a number stands for another currency's money."""
    made = compile_expression(text, None, names, ZoneInfo("UTC"))
    assert isinstance(made, Compiled)

    def value(subject: Subject) -> Any:
        if made.mixes_money and currency not in {"any", subject.transaction.currency}:
            raise EvaluationError("missing", "of another currency")
        return made.value(subject)

    return value, made.kind


def _widths(rule: OneRule) -> list[str]:
    """Return how far back a rule looks."""
    return [*(width for _, _, width, _ in rule.aggregates), *([rule.within] if rule.steps else [])]


class Judge:
    """What the oracle says of each rule."""

    def __init__(self, asked: list[OneRule], bounds: Bounds) -> None:
        widths = [WIDTHS[one] for rule in asked for one in _widths(rule)]
        reach_us = max(width + max(1, width // 64) for width in widths) + bounds.lateness_us
        self._logs = (Log(bounds, reach_us), Log(bounds, reach_us))
        self._rules = [self._made(rule) for rule in asked]

    def _made(self, rule: OneRule) -> tuple[OneRule, list[tuple[str, Asked]], list[Value], list[Value], Value | None]:
        key: list[Value] = []
        for name in sorted(rule.key):
            get, kind = closure(name, "any")
            key.append(get)
            if kind is Kind.MONEY:
                key.append(lambda subject: subject.transaction.currency)
        ruled = None if rule.filter is None else closure(rule.filter, rule.currency)[0]
        made = []
        for function, of, width, where in rule.aggregates:
            value, kind = (None, Kind.NUMBER) if of is None else closure(of, rule.currency)
            held = ruled if where is None else closure(where, rule.currency)[0]
            asked = Asked(function, key, value, kind, held, WIDTHS[width])
            made.append((_called(function, of, width, where), asked))
        return rule, made, key, [closure(step, rule.currency)[0] for step in rule.steps], ruled

    def judge(self, entry: Entry) -> dict[str, dict[str, str]]:
        """Return the values of each rule that hits."""
        log = self._logs[entry.partition]
        log.add(entry.transaction, entry.timestamp_ms)
        subject, found = log.entries[-1][0], {}
        for at, (rule, made, key, steps, ruled) in enumerate(self._rules):
            if rule.currency not in {"any", entry.transaction.currency}:
                continue
            values = {"amount": exact(Kind.MONEY, entry.transaction.amount)}
            try:
                for get in key:
                    get(subject)
            except EvaluationError as error:
                found[f"rule-{at}"] = values | dict.fromkeys((told for told, _ in made), error.code)
                continue
            if steps:
                times = log.steps(key, ruled, steps, WIDTHS[rule.within])
                if times is None:
                    continue
                values |= {f"step {one}": exact(Kind.MOMENT, time) for one, time in enumerate(times, 1)}
            for told, asked in made:
                kind = Kind.NUMBER if asked.function in {"count", "count_distinct"} else asked.kind
                value = log.aggregate(asked)
                values[told] = "empty" if value is None else exact(kind, value)
            found[f"rule-{at}"] = values
        return found


def seen(loaded: RuleSet, entry: Entry) -> dict[str, dict[str, str]]:
    """Return the values of each rule that hits, as the engine has them."""
    judgement = loaded.judge(entry.transaction, entry.partition, entry.timestamp_ms)
    hits = judgement.noted if judgement.verdict is None else judgement.verdict.hits
    return {hit.rule: hit.values for hit in hits}


ends_of_batches = st.sets(st.integers(1, 23), max_size=6)
attempts = st.lists(st.integers(0, 6), min_size=7, max_size=7)  # records of a batch that is undone before


@settings(max_examples=CASES // 2)
@given(
    asked=st.lists(rules, min_size=1, max_size=2),
    drawn=st.lists(entries, min_size=1, max_size=24),
    ends=ends_of_batches,
    undone=attempts,
    bounds=st.builds(
        Bounds,
        st.sampled_from((0, 10**6, 3_600 * 10**6)),
        st.sampled_from((1, 2, 3, 6, 1_024)),
        st.sampled_from((1, 2, 128)),
        st.sampled_from((2, 3, 256)),
    ),
)
def test_the_engine_sees_what_the_oracle_sees(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], ends: set[int], undone: list[int], bounds: Bounds
) -> None:
    """Values, steps and hits are the same, and a batch that was undone leaves nothing behind."""
    check(asked, drawn, ends, undone, bounds)


@settings(max_examples=CASES // 2)
@given(
    functions=st.lists(
        st.sampled_from([(function, of) for function, each in TAKES.items() for of in each]),
        min_size=3,
        max_size=3,
    ),
    width=st.sampled_from(("90s", "1h", "1h")),
    drawn=st.lists(
        st.tuples(
            *[st.just(0), st.sampled_from((0, 1, 500, 10**6, 10 * 10**6)), st.sampled_from((0, 0, 0, 1, 5 * 10**6))],
            *[st.just(0), st.just("a"), st.sampled_from("ttuvw"), st.just("EUR"), amounts],
            *[st.sampled_from((1, -2, 7, Decimal("0.5"))), st.sampled_from(("x", "y")), st.booleans()],
        ),
        min_size=6,
        max_size=24,
    ),
    ends=ends_of_batches,
    undone=attempts,
    bounds=st.builds(
        Bounds, st.just(3_600 * 10**6), st.integers(1, 3), st.sampled_from((2, 128)), st.sampled_from((2, 3))
    ),
)
def test_the_engine_sees_in_panes_what_the_oracle_sees(  # noqa: PLR0913, PLR0917 (what was drawn)
    functions: list[tuple[str, str | None]],
    width: str,
    drawn: list[tuple[Any, ...]],
    ends: set[int],
    undone: list[int],
    bounds: Bounds,
) -> None:
    """One busy account, most of whose history is in panes."""
    asked = tuple((function, of, width, None) for function, of in functions)
    check([OneRule(("source",), None, "any", asked, (), "1h")], drawn, ends, undone, bounds)


@settings(max_examples=CASES // 2)
@given(
    asked=st.lists(rules.map(lambda rule: replace(rule, key=("source",))), min_size=1, max_size=2),
    width=st.sampled_from(("1s", "90s", "1h")),
    drawn=st.lists(
        st.tuples(
            *[st.just(0), st.sampled_from((0, 10**6, 40_000 * 10**6, 90_000 * 10**6, 3 * 86_400 * 10**6))],
            *[st.sampled_from((0, 0, 1, 3_600 * 10**6, 2 * 86_400 * 10**6, 4 * 86_400 * 10**6))],
            *[st.just(0), st.sampled_from("aabc"), st.sampled_from("tu"), st.just("EUR"), amounts],
            *[st.sampled_from((1, 7)), st.just("x"), st.booleans()],
        ),
        min_size=6,
        max_size=24,
    ),
    ends=ends_of_batches,
    undone=attempts,
)
def test_the_engine_forgets_what_the_oracle_forgets(
    asked: list[OneRule], width: str, drawn: list[tuple[Any, ...]], ends: set[int], undone: list[int]
) -> None:
    """Values that nobody uses for longer than rules look back, and a day: neither history nor clock is left."""
    narrow = [
        replace(
            rule, within=width, aggregates=tuple((name, of, width, where) for name, of, _, where in rule.aggregates)
        )
        for rule in asked
    ]
    check(narrow, drawn, ends, undone, Bounds(3_600 * 10**6, 1_024, 128, 256))


def check(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], ends: set[int], undone: list[int], bounds: Bounds
) -> None:
    """Let both judge a log, in batches of which some are undone before."""
    lateness = {0: "0s", 10**6: "1s"}.get(bounds.lateness_us, "1h")
    declared = "members: {n: number, place: text, flag: truth}"
    text = "\n".join([f"lateness: {lateness}", declared, "rules:", *(one.text(at) for at, one in enumerate(asked))])
    log, judge = log_of(drawn), Judge(asked, bounds)
    with patch.object(panes, "MOST", bounds.panes), patch.object(distinct, "SMALLEST", bounds.smallest):
        loaded = load_rules("random.yaml", text, logs=[{"source", "target", "amount"}])
        loaded.stages[0].windows = Windows(loaded.stages[0].plan, bounds.newest)
        begin = 0
        for end, attempt in zip([*sorted(end for end in ends if end < len(log)), len(log)], undone, strict=False):
            expected: list[dict[str, dict[str, str]]] = []
            undone_ones = [seen(loaded, entry) for entry in log[begin : begin + attempt]]
            if undone_ones:
                loaded.aborted()
            for entry in log[begin:end]:
                expected.append(judge.judge(entry))
                assert seen(loaded, entry) == expected[-1], (entry, text)
            assert undone_ones[: end - begin] == expected[: len(undone_ones)]
            loaded.committed()
            begin = end
