"""How the benchmark shows what it found, and what can be asked of it."""

from __future__ import annotations

import msgspec
import pytest

from bench.charts import bars, charts
from bench.document import BEGIN, DOCUMENT, END, markdown
from bench.goals import goal_rows
from bench.percentiles import percentiles_ms
from bench.plan import plan_of
from bench.results import Delayed, Drained, Latency, Machine, Measured, Throughput
from bench.subjects import PEER_SUBJECTS
from bench.tables import NOT_RUN, latency_rows, tables, throughput_rows
from bench.watched import ratios, rows_of, within_noise

MS = 1_000_000


def drained(records: int, seconds: float, cpu_us: float = 4.0) -> Drained:
    """Return a round."""
    return Drained(records=records, seconds=seconds, cpu_us=cpu_us, peak_mib=70.0)


def measured() -> Measured:
    """Return a run with a bit of everything."""
    machine = Machine(
        cores=2, processor="P", memory_gib=8, system="S", python="Y", kafka="4", client="c", load_before=0.1
    )
    delayed = Delayed(
        count=9,
        unseen=1,
        percentiles=percentiles_ms(range(MS, 10 * MS, MS)),
        cpu={"detector": 9.0, "load": 3.0},
        late_ms=1,
    )
    return Measured(
        command="python -m bench",
        day="2026-01-01",
        machine=machine,
        throughput=[
            Throughput(subject="detector", told="ours", backlog=100, rounds=[drained(100, 1), drained(100, 2)]),
            Throughput(subject="quix", told="theirs", backlog=20, rounds=[drained(20, 2)]),
            Throughput(subject="absent", told="theirs", backlog=20, failure="could not be installed"),
        ],
        lengths=[Throughput(subject="detector", told="", backlog=n, rounds=[drained(n, 1)]) for n in (100, 1000)],
        latency=[
            Latency(subject="detector", until="output readable", rate=1000, rate_told="1,000/s", rounds=[delayed]),
            Latency(subject="quix", until="output readable", rate=1000, rate_told="1,000/s", failure="ended"),
        ],
    )


def test_goals_are_judged_by_medians() -> None:
    """What was not measured is neither reached nor missed."""
    rows = {figure: (found, reached) for figure, _, found, reached in goal_rows(measured())}
    assert rows["detector against quix, records/s"] == ("7.50 x", "no")
    assert rows["detector against confluent, records/s"] == ("not measured", "-")
    assert rows["detector, CPU a record"] == ("4.00 µs", "yes")
    assert rows["detector at 1,000/s, p99"] == ("9.00 ms", "yes")
    assert rows["detector, records/s between lengths differ by"] == ("90.00 %", "no")
    assert rows["all services at 1,000/s, p95"] == ("not measured", "-")


def test_goals_of_a_compiled_detector_stand_beside_the_others() -> None:
    """Where one was measured: against the same peers."""
    told = measured()
    told.throughput.append(
        Throughput(subject="detector, compiled", told="", backlog=100, rounds=[drained(100, 0.5, cpu_us=2.5)])
    )
    rows = {figure: (found, reached) for figure, _, found, reached in goal_rows(told)}
    assert rows["detector against quix, records/s"] == ("7.50 x", "no")
    assert rows["detector, compiled against quix, records/s"] == ("20.00 x", "yes")
    assert rows["detector, compiled, CPU a record"] == ("2.50 µs", "yes")
    assert rows["detector, compiled at 1,000/s, p99"] == ("not measured", "-")


def test_a_ratio_is_that_of_the_medians() -> None:
    """Above 1 where ours is faster; what was not run says why, and is not left out."""
    ours, quix, absent = throughput_rows(measured().throughput)
    assert ours[-1] == "-"
    assert ours[4] == "50 / 75 / 100"
    assert quix[-1] == "7.50 x"
    assert absent[4] == f"{NOT_RUN}: could not be installed"


def test_latencies_are_shown_with_what_never_arrived() -> None:
    """The load's own share of a core is not the subject's."""
    ours, quix = latency_rows(measured().latency)
    assert ours[3:] == ("5.0", "9.0", "9.0", "9.0", "9.0", "detector 9 %", "1", "1 ms")
    assert quix[3] == f"{NOT_RUN}: ended"


def test_every_row_fits_its_head() -> None:
    """Also those of what was not run."""
    for titled in tables(measured()):
        assert {len(row) for row in titled.rows} == {len(titled.head)}, titled.title


def test_a_report_can_be_kept_and_shown_again() -> None:
    """As JSON without a loss, and as Markdown with tables and charts; what was not asked for has none."""
    told = measured()
    assert msgspec.json.decode(msgspec.json.encode(told), type=Measured) == told
    text = markdown(told)
    assert text.count("```mermaid") == len(charts(told)) == 5
    assert "### Cost against length" in text
    nothing = Measured(command="c", day="d", machine=told.machine)
    assert not tables(nothing)
    assert not charts(nothing)


def test_a_chart_has_room_for_its_longest_bar() -> None:
    """Names in quotes: they hold commas."""
    chart = bars("T", [("a, b", 10.0), ("c", 200.0)], "things")
    assert 'x-axis ["a, b", "c"]' in chart
    assert 'y-axis "things" 0 --> 220' in chart
    assert "bar [10, 200]" in chart


def test_the_document_has_a_place_for_the_report() -> None:
    """Where ``--document`` puts it."""
    text = DOCUMENT.read_text("utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)


def test_every_peer_has_a_script_and_pins() -> None:
    """Exact ones, and no address of an index."""
    for peer in PEER_SUBJECTS:
        assert peer.script is not None
        assert peer.script.exists()
        lines = peer.script.with_suffix(".txt").read_text().split()
        assert lines
        assert all("==" in line and "://" not in line for line in lines)


def test_a_plan_is_full_unless_asked_otherwise() -> None:
    """And what is asked for is kept where it is to be quick."""
    assert plan_of([]).rounds == 5
    assert plan_of(["--quick"]).rounds == 1
    assert plan_of(["--quick", "--rounds", "2", "--lengths", "10", "20"]).lengths == (10, 20)
    assert plan_of(["--quick", "--rounds", "2"]).rounds == 2
    with pytest.raises(SystemExit):
        plan_of(["--rounds", "0"])


def test_the_command_of_a_report_names_no_file_of_whoever_ran_it() -> None:
    """It stands in a document that others read."""
    arguments = ["--quick", "--json", "/somewhere/x.json", "--peers"]
    assert plan_of(arguments).command(arguments) == "python -m bench --quick --peers"
    assert plan_of(["--json=x"]).command(["--json=x"]) == "python -m bench"


def test_ways_of_looking_are_compared_by_their_medians() -> None:
    """Each with the one before it; a round that was disturbed does not decide."""
    found = {
        name: [
            drained(1_000, seconds, cpu)
            for seconds, cpu in ((slower, 10.0 * factor), (1.0, 99.0), (slower, 10.0 * factor))
        ]
        for name, slower, factor in (("no dashboard", 1.0, 1.0), ("a dashboard", 2.0, 1.1), ("pages", 2.5, 1.1))
    }
    assert [(a, b, round(rate, 2), round(cpu, 2)) for a, b, rate, cpu in ratios(found)] == [
        ("no dashboard", "a dashboard", 0.5, 1.1),
        ("a dashboard", "pages", 0.8, 1.0),
    ]
    assert within_noise(found)
    assert not within_noise({"a": found["no dashboard"][:1], "b": [drained(1_000, 1.0, 11.1)]})
    assert rows_of(found, 1_000)[0] == (
        "detector over a backlog of 1,000, no dashboard: records/s",
        "1,000 / 1,000 / 1,000",
    )
    assert rows_of(found, 1_000)[-1] == ("pages, against a dashboard: records/s, CPU a record", "x 0.80, x 1.00")
