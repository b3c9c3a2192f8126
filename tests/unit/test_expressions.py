"""The language of conditions: what it means, what is wrong with an expression, and that nothing else can be reached."""

from __future__ import annotations

import re
import time
from decimal import Decimal, DecimalException, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.expressions import Compiled, EvaluationError, Kind, Names, compile_expression, functions
from detector.rules.expressions.kinds import ARITHMETIC
from detector.rules.subject import Subject
from tests.unit.samples import transaction

MEMBERS = {
    "country": Kind.TEXT,
    "score": Kind.NUMBER,
    "device.trusted": Kind.TRUTH,
    "latitude": Kind.NUMBER,
    "longitude": Kind.NUMBER,
}
ATTRIBUTES: dict[str, object] = {
    "country": "KP",
    "score": Decimal("0.75"),
    "device": {"trusted": True},
    "latitude": Decimal("52.520"),
    "longitude": 13,
}
NAMES = Names(MEMBERS)
BERLIN = ZoneInfo("Europe/Berlin")


def compiled(text: str, wanted: Kind | None = Kind.TRUTH) -> Compiled:
    """Return an expression that is right."""
    found = compile_expression(text, wanted, NAMES, BERLIN)
    assert isinstance(found, Compiled), found
    return found


def value(text: str, **fields: Any) -> Any:
    """Return the value of an expression for a transfer of 231.67 EUR, or one with other fields."""
    return compiled(text, None).value(
        Subject(transaction(**{"amount": Decimal("231.67"), "attributes": ATTRIBUTES, **fields}))
    )


def faults(text: str, wanted: Kind | None = Kind.TRUTH) -> list[tuple[int, str]]:
    """Return what is wrong with an expression."""
    found = compile_expression(text, wanted, NAMES, BERLIN)
    assert not isinstance(found, Compiled)
    return [(fault.offset, fault.told) for fault in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount >= 231.67", True),
        ("amount > 231.67", False),
        ("100 <= amount < 900", True),
        ("100 <= amount < 200", False),
        ("amount == 231.670", True),
        ("amount % 1 == 0.67", True),
        ("amount * 2 - amount == amount", True),
        ("amount / amount", Decimal(1)),
        ("1 / 3", Decimal("0." + "3" * 34)),
        ("0.1 + 0.2 == 0.3", True),
        ("1_000 == 1000", True),
        ("-amount < 0", True),
        ("not amount < 0", True),
        ("currency == 'EUR' and amount > 200", True),
        ("currency != 'EUR' or amount > 200", True),
        ("currency in ['EUR', 'USD']", True),
        ("currency not in ('EUR', 'USD')", False),
        ("amount in [231.67]", True),
        ("lower(country) == 'kp'", True),
        ("starts_with(country, 'K')", True),
        ("length(country) == 2", True),
        ("abs(0 - score) == 0.75", True),
        ("device.trusted", True),
        ("device.trusted == true", True),
        ("not device.trusted", False),
        ("exists(country) and not exists(source) or true", True),
        ("matches(country, '^K[OP]$')", True),
        ("matches(country, '^k')", False),
        ("distance_km(latitude, longitude, latitude, longitude) == 0", True),
        ("distance_km(52.52, 13.405, 48.8566, 2.3522)", Decimal("877.465")),
        ("timestamp - timestamp < '1h'", True),
        ("timestamp - timestamp > '0s'", False),
    ],
)
def test_it_means_what_it_says(text: str, expected: object) -> None:
    """Numbers are exact, chains hold link by link, and texts are compared as they are."""
    assert value(text) == expected


def test_a_line_break_ends_nothing() -> None:
    """YAML folds lines or leaves them, as whoever writes it likes."""
    assert value("amount > 200\n  and currency == 'EUR'\n") is True


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("country == 'KP'", "missing"),
        ("country != 'KP'", "missing"),
        ("country in ['KP']", "missing"),
        ("score > 1", "wrong-type"),
        ("device.trusted", "missing"),
        ("amount / (amount - amount) > 1", "arithmetic"),
        ("amount > 0 and country == 'KP'", "missing"),
    ],
)
def test_an_expression_without_a_value_says_why(text: str, code: str) -> None:
    """What is absent, of another kind, or not to be calculated is neither true nor false."""
    with pytest.raises(EvaluationError) as caught:
        value(text, attributes={"score": "high", "device": []})
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["exists(country) and country == 'KP'", "amount < 0 and country == 'KP'"])
def test_what_is_not_needed_is_not_evaluated(text: str) -> None:
    """From left to right, and no further."""
    assert value(text, attributes={}) is False


@pytest.mark.parametrize("held", [True, "1", 1.5, [], {}, 10**40, Decimal("1e50"), Decimal("1e-50"), None])
def test_a_member_that_is_no_number_is_none(held: object) -> None:
    """Also one that is too large for any calculation to keep exact."""
    with pytest.raises(EvaluationError):
        value("score > 0", attributes={"score": held})


@pytest.mark.parametrize(
    ("text", "offset", "told"),
    [
        ("", 0, "an expression was expected"),
        ("amount >=", 9, "this is no expression"),
        ("amount >= 900 & true", 0, "use and instead of &"),
        ("amount ** 2 > 1", 0, "there are no powers"),
        ("amuont > 1", 0, "did you mean amount?"),
        ("amount > 1 and amuont > 1", 15, "did you mean amount?"),
        ("true and\n  amuont > 1", 11, "did you mean amount?"),
        ("'ä' == 'ä' and amuont > 1", 15, "did you mean amount?"),
        ("amount", 0, "true or false was expected, this is an amount of money"),
        ("amount > 'x'", 0, "an amount of money > a text has no meaning"),
        ("country > 'x'", 0, "takes numbers, moments or durations"),
        ("amount * amount > 1", 0, "an amount of money * an amount of money has no meaning"),
        ("1 / amount > 1", 0, "has no meaning"),
        ("timestamp > 5", 0, "has no meaning"),
        ("timestamp - timestamp > '5 minutes'", 0, "a duration > a text has no meaning"),
        ("currency in []", 12, "a list of values"),
        ("currency in ['EUR', 5]", 20, "a text was expected, this is a number"),
        ("currency in ['EUR', country]", 20, "values that are written out"),
        ("currency in lists", 12, "a list of values"),
        ("amount and true", 0, "and takes true or false, this is an amount of money"),
        ("not amount", 4, "not takes true or false"),
        ("-country == '1'", 1, "- takes a number"),
        ("upper(country) == 'X'", 0, "there is no function upper; there are lower"),
        ("lower == 'X'", 0, "lower is a function"),
        ("lower(amount) == 'X'", 6, "lower takes a text here, this is an amount of money"),
        ("lower(country, country) == 'X'", 0, "lower takes 1 values: lower(target)"),
        ("matches(country, '(')", 17, "no pattern"),
        ("matches(country, '(?=a)')", 17, "no pattern"),
        ("matches(country, country)", 17, "written out"),
        ("exists(amount > 1)", 0, "exists takes one name"),
        ("country == None", 11, "use exists(...)"),
        ("amount if true else amount", 0, "there is no if ... else"),
        ("card['x'] == 'y'", 0, "there are no indices"),
        ("[1, 2] == amount", 0, "a list stands behind in alone"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, offset: int, told: str) -> None:
    """Where it is, and what was expected."""
    found = faults(text)
    assert len(found) == 1, found
    assert found[0][0] == offset
    assert told in found[0][1]


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One round of mending is enough."""
    assert [offset for offset, _ in faults("amuont > 1 and cuontry == 'x' and lower(5) == 'x'")] == [0, 15, 40]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "amount.__class__.__mro__",
        "().__class__",
        "(lambda: 1)()",
        "[x for x in [1]] == []",
        "f'{amount}' == ''",
        "eval('1') == 1",
        "open('/etc/passwd')",
        "lower(*['a'])",
        "lower(text='a')",
        "(x := 1) == 1",
        "amount @ amount",
        "~1 == 1",
        "9**9**9**9 > 1",
        "'a' * 10000000000 == 'a'",
        "(" * 5_000 + "1" + ")" * 5_000,
        "(" * 150 + "1" + ")" * 150,
        "1+" * 900 + "1",
        "not " * 400 + "true",
        "a" * 10_000,
        "amount > 1e999999999",
        "b'x' == b'x'",
        "1j == 1",
        "...",
        "await x",
        "yield",
        "amount > 1; amount",
        "amount > 1) or (true",
        "true) # ",
        "\0",
        "\ud800 == ''",
    ],
)
def test_nothing_else_can_be_reached(text: str) -> None:
    """Whatever is not of the language is refused when it is loaded, and quickly."""
    begun = time.thread_time()
    assert faults(text)
    assert time.thread_time() - begun < 1


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """No text makes the compiler stumble."""
    assert compile_expression(text, None, NAMES, BERLIN) is not None


def numbers() -> st.SearchStrategy[tuple[str, str]]:
    """Return numbers of the language, and the same for Python."""
    constants = st.decimals(-1000, 1000, places=3).map(lambda number: (f"({number})", f"D('{number}')"))
    leaves = st.one_of(constants, st.sampled_from([("score", "score"), ("abs(score)", "abs(score)")]))
    return st.recursive(
        leaves,
        lambda inner: st.tuples(inner, st.sampled_from("+-*/%"), inner).map(
            lambda found: tuple(f"({found[0][at]} {found[1]} {found[2][at]})" for at in (0, 1))  # type: ignore[arg-type,return-value]
        ),
        max_leaves=6,
    )


def conditions() -> st.SearchStrategy[tuple[str, ...]]:
    """Return conditions of the language, and the same for Python."""
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    compared = st.tuples(numbers(), signs, numbers(), signs, numbers()).map(
        lambda one: tuple(f"({one[0][at]} {one[1]} {one[2][at]} {one[3]} {one[4][at]})" for at in (0, 1))
    )
    return st.recursive(
        compared,
        lambda inner: st.one_of(
            inner.map(lambda one: tuple(f"(not {each})" for each in one)),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda one: tuple(f"({one[0][at]} {one[1]} {one[2][at]})" for at in (0, 1))
            ),
        ),
        max_leaves=4,
    )


@given(conditions(), st.decimals(-100, 100, places=2))
def test_it_calculates_as_python_does(texts: tuple[str, ...], score: Decimal) -> None:
    """The same in Python, with the same arithmetic, comes to the same: a value, or none."""
    ours, theirs = texts
    found = compile_expression(ours, Kind.TRUTH, NAMES, BERLIN)
    assert isinstance(found, Compiled)
    case = Subject(transaction(attributes={"score": score}))
    with localcontext(ARITHMETIC):
        try:
            expected: object = eval(theirs, {"D": Decimal, "score": score, "abs": abs})  # noqa: S307 (the oracle)
        except DecimalException:
            expected = "arithmetic"
    try:
        seen: object = found.value(case)
    except EvaluationError as error:
        seen = error.code
    assert seen == expected


def test_hours_and_days_are_those_of_the_zone() -> None:
    """Summer time included: what is Sunday evening in UTC is Monday in Berlin."""
    from datetime import UTC, datetime  # noqa: PLC0415

    late = datetime(2026, 6, 7, 22, 30, tzinfo=UTC)
    assert value("hour(timestamp)", timestamp=late) == 0
    assert value("weekday(timestamp)", timestamp=late) == 1


def test_what_it_uses_can_be_shown() -> None:
    """Every name that it looks at, with its value for a transaction."""
    found = compiled("amount > 200 and lower(country) == 'kp' and amount < 900")
    case = Subject(transaction(attributes=ATTRIBUTES))
    assert {name: get(case) for name, get in found.uses.items()} == {
        "amount": case.transaction.amount,
        "country": "KP",
    }


@pytest.mark.parametrize(
    ("text", "mixes"),
    [
        ("amount > 900", True),
        ("900 < amount", True),
        ("amount in [1, 2]", True),
        ("amount + 1 > amount", True),
        ("amount > amount * 2", False),
        ("amount / amount > 2", False),
        ("currency == 'EUR'", False),
    ],
)
def test_it_is_known_where_a_number_stands_for_money(text: str, *, mixes: bool) -> None:
    """Such a rule has to say of which currency."""
    assert compiled(text).mixes_money is mixes


def test_nothing_that_a_file_says_gets_into_the_text_that_is_run() -> None:
    """Numbers, texts, patterns, paths and names of variables are values, under names that are ours."""
    variables: dict[str, Any] = {"WANTED": "injected", "SEVERAL": frozenset({"injected"})}
    names = Names({"injected": Kind.TEXT, "injected.deeper": Kind.NUMBER}, variables)
    text = (
        'injected == "injected" and injected == WANTED and injected in SEVERAL and exists(injected.deeper) '
        'and injected in ["injected"] and matches(target, "injected") and injected.deeper < 4711 <= amount'
    )
    found = compile_expression(text, Kind.TRUTH, names, BERLIN)
    assert isinstance(found, Compiled)
    assert re.fullmatch(
        r"(k[0-9a-f]+|m\d+|[stx]|and|in|is|if|else|type|str|source|target|transaction|amount|attributes|get|[().,:=<\s])*",
        found.code.text.replace("t.attributes.get", "get"),
    ), found.code.text


@pytest.mark.parametrize(
    ("begin", "end"),
    [("not ", ""), ("true == (", ")"), ("abs(", ")"), ("1 < -(", ") < 2"), ("1 + (", ")"), ("1 <= 2 == (", ")")],
)
def test_whatever_is_deep_and_allowed_can_be_run(begin: str, end: str) -> None:
    """As deep as the grammar has it, the text that is made is none that Python refuses, nor one that grows twofold."""
    seen = 0
    for depth in range(60):
        inner = "score" if begin in {"abs(", "1 + ("} else "1 < score < 2 < 3"
        found = compile_expression(begin * depth + inner + end * depth, None, NAMES, BERLIN)
        if isinstance(found, Compiled):
            found.bare(Subject(transaction(attributes=ATTRIBUTES)))
            assert len(found.code.text) < 100 * len(found.text)
            seen = depth
    assert seen >= (0 if begin.startswith("1 <") else 10)


def test_answers_of_patterns_are_kept_within_a_bound() -> None:
    """Whoever writes transactions chooses texts, and whoever writes rules how many patterns there are."""
    short, long = "x" * functions.KEPT_CHARACTERS, "x" * (functions.KEPT_CHARACTERS + 1)
    ends = functions.matcher("^x{65}$")
    before = functions.kept_answer.cache_info().currsize
    assert not ends(short)
    assert ends(long), "the answer for another text"
    assert functions.kept_answer.cache_info().currsize == before + 1
    assert functions.kept_answer.cache_info().maxsize == functions.KEPT_ANSWERS
    assert functions.matcher("^x{64}$")(short), "the answer of another pattern"
