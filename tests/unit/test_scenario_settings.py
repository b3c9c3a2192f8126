"""Settings of the realistic scenario: what does not fit together is told in a sentence that says what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from generator.scenario_settings import REALISTIC, UNIFORM, VARIABLES
from generator.scenarios.frauds import USUAL_CASES
from generator.scenarios.kinds import SLEEPERS
from generator.settings import GeneratorSettings
from generator.sources import realistic_source
from pipeline.errors import SettingsError
from tests.unit.scenario_days import next_of

CHOSEN = {"GENERATOR_SCENARIO": "realistic"}


def told(**values: str) -> tuple[str, ...]:
    """Return what is told of bad variables."""
    with pytest.raises(SettingsError) as bad:
        GeneratorSettings.from_env(values)
    return bad.value.problems


def read(**values: str) -> Any:
    """Return the settings of the scenario."""
    return GeneratorSettings.from_env(values).scenario


def test_uniform_is_the_default() -> None:
    """Whoever sets nothing gets what there always was."""
    scenario = read()
    assert (scenario.name, scenario.fraud_cases, scenario.time_scale, scenario.start) == (UNIFORM, USUAL_CASES, 1, None)


def test_all_of_it_may_be_set() -> None:
    """Each variable is taken, and the pace follows from rate and time scale."""
    scenario = read(
        **CHOSEN,
        GENERATOR_FRAUD_CASES="0",
        GENERATOR_TIME_SCALE="1440",
        GENERATOR_START="2026-03-01T00:00:00+01:00",
        TRANSACTIONS_PER_SECOND="100",
    )
    assert (scenario.name, scenario.fraud_cases, scenario.time_scale) == (REALISTIC, 0, 1440)
    assert scenario.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert scenario.pace_seconds == pytest.approx(14.4)


def test_the_default_rate_is_enough_for_it() -> None:
    """One variable switches it on."""
    assert read(**CHOSEN).pace_seconds == pytest.approx(0.1)


def test_a_day_passes_in_a_minute() -> None:
    """With the time scale that makes it so, a minute's worth of transactions is a day, to five per cent."""
    variables = {
        "GENERATOR_SCENARIO": "realistic",
        "GENERATOR_TIME_SCALE": "1440",
        "TRANSACTIONS_PER_SECOND": "200",
        "GENERATOR_START": "2026-03-01T00:00:00+01:00",
    }
    source = realistic_source(GeneratorSettings.from_env(variables), Random(6), datetime.now(UTC))  # noqa: S311
    first, *_, last = [
        datetime.fromisoformat(json.loads(transaction.value)["timestamp"])
        for transaction, _ in next_of(source, SLEEPERS + 12_000)[SLEEPERS:]
    ]
    begun = datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert begun <= first <= begun + timedelta(minutes=5)
    assert timedelta(hours=22.8) < last - first < timedelta(hours=25.2)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("GENERATOR_FRAUD_CASES", "20", "no fraud is added to uniform transactions"),
        ("GENERATOR_TIME_SCALE", "60", "uniform transactions are of now"),
        ("GENERATOR_START", "2026-01-31T08:00:00Z", "uniform transactions are of now"),
    ],
)
def test_what_uniform_transactions_have_no_use_for_is_refused(variable: str, value: str, why: str) -> None:
    """A setting that would change nothing is a mistake: it is said what it needs."""
    assert told(**{variable: value}) == (f"{variable} needs GENERATOR_SCENARIO=realistic: {why}",)


def test_payments_are_refused() -> None:
    """They name no payer, so that there is nobody to have habits."""
    (problem,) = told(**CHOSEN, TRANSACTION_FORMAT="payment")
    assert problem == (
        "GENERATOR_SCENARIO realistic is there for transfers alone, since payments do not say who pays: set "
        "TRANSACTION_FORMAT=transfer or GENERATOR_SCENARIO=uniform"
    )


SLOW = (
    "GENERATOR_TIME_SCALE leaves fewer than 1000 transactions for a simulated day: "
    "set at most 864, or TRANSACTIONS_PER_SECOND to at least 16.667"
)
FAST = (
    "GENERATOR_TIME_SCALE leaves over 100 transactions for a simulated second: "
    "set at least 10, or TRANSACTIONS_PER_SECOND to at most 100"
)


@pytest.mark.parametrize(
    ("values", "problem"), [({"GENERATOR_TIME_SCALE": "1440"}, SLOW), ({"TRANSACTIONS_PER_SECOND": "1000"}, FAST)]
)
def test_a_pace_that_no_population_keeps_is_refused(values: dict[str, str], problem: str) -> None:
    """People are made up for a range of rates: it is said which, and what is proposed is accepted."""
    assert told(**CHOSEN, **values) == (problem,)
    scale, rate = problem.split("set at ")[1].split(", or TRANSACTIONS_PER_SECOND to at ")
    assert read(**CHOSEN | values | {"GENERATOR_TIME_SCALE": scale.split()[-1]})
    assert read(**CHOSEN | values | {"TRANSACTIONS_PER_SECOND": rate.split()[-1]})


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One sentence for each variable, and no other that follows from its mistake alone."""
    problems = told(
        GENERATOR_SCENARIO="odd", GENERATOR_FRAUD_CASES="-1", GENERATOR_TIME_SCALE="0", GENERATOR_START="today"
    )
    assert [problem.split()[0] for problem in problems] == [variable.name for variable in VARIABLES]
