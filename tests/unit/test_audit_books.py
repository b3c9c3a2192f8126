"""The books of the audit, against a slow oracle of lists and dictionaries."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.audit.accounting import Books
from pipeline.operations.audit.effects import Done
from pipeline.operations.audit.entries import enter_letter
from pipeline.operations.audit.places import MAX_EXAMPLES, Places, no_places
from pipeline.operations.audit.report import Outcome
from pipeline.operations.audit.scope import BranchScope, Period, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.topics import Topic

PARTITIONS: Final = (0, 1)
TOP: Final = 3  # few enough that places meet

offsets = st.integers(0, TOP)
places = st.builds(Coordinates, st.integers(0, 2), st.integers(0, TOP + 2))
by_partition = st.fixed_dictionaries(dict.fromkeys(PARTITIONS, offsets))
some_by_partition = st.dictionaries(st.sampled_from(PARTITIONS), offsets)


@dataclass
class Ledger:
    """Whatever keeps effects: it says what it was told to say."""

    effects: list[Coordinates] = field(default_factory=list)
    method: str = "by ledger"

    def done(self, branch: Topic, records: Places, letters: Places) -> Done:  # noqa: ARG002 (it knows by itself)
        """Return the places that stand in it, and those that do so twice."""
        counted = Counter(self.effects)
        return Done(set_of(counted), set_of(place for place, count in counted.items() if count > 1))


def set_of(found: Iterable[Coordinates]) -> Places:
    """Return places as the books hold them."""
    made = no_places()
    for place in found:
        made[place.partition].add(place.offset)
    return made


def named(found: Iterable[Coordinates], prefix: str = "") -> list[str]:
    """Return places as a report names them."""
    return [f"{prefix}{place}" for place in sorted(found)]


def sort_out(
    scope: Scope, outcomes: list[tuple[Outcome, Coordinates]], cuts: dict[int, int]
) -> tuple[dict[Coordinates, list[Outcome]], set[Coordinates], int]:
    """Return the outcomes by origin that are judged, origins that can't be, and how many nobody has committed."""
    kinds: dict[Coordinates, list[Outcome]] = defaultdict(list)
    unknown, unjudged = set(), 0
    for outcome, origin in outcomes:
        partition, offset = origin
        committed = min(scope.committed.get(partition, 0), scope.log_ends.get(partition, 0))
        if scope.beginnings.get(partition, 0) <= offset < committed:
            if offset >= cuts.get(partition, 0):
                kinds[origin].append(outcome)
        elif offset >= scope.log_ends.get(partition, 0):
            unknown.add(origin)
        elif partition not in scope.committed:
            unjudged += 1
    return kinds, unknown, unjudged


@settings(max_examples=500)
@given(
    st.tuples(by_partition, some_by_partition, by_partition),
    st.sets(places),
    st.lists(st.tuples(st.sampled_from(Outcome), places)),
    some_by_partition,
    some_by_partition,
)
def test_outcomes_are_judged_as_an_oracle_judges_them(
    bounds: tuple[dict[int, int], dict[int, int], dict[int, int]],
    records: set[Coordinates],
    outcomes: list[tuple[Outcome, Coordinates]],
    floors: dict[int, int],
    cuts: dict[int, int],
) -> None:
    """Each origin is of one kind: fine, lost, unseen, duplicated, both branches, unknown, unjudged, or not ours."""
    beginnings, committed, log_ends = bounds
    books = Books(Scope("input", beginnings, committed, log_ends), [])
    end = {p: min(committed.get(p, 0), log_ends[p]) for p in PARTITIONS}
    records = {
        place for place in records if beginnings.get(place.partition, 0) <= place.offset < end.get(place.partition, 0)
    }
    for place in records:
        books.add_input(*place)
    for outcome, origin in outcomes:
        books.add_outcome(outcome, origin)
    for partition, floor in floors.items():
        books.see_from(partition, floor)
    books.forget_before(cuts)
    report = books.close()

    kinds, unknown, unjudged = sort_out(books.scope, outcomes, cuts)
    left = {place for place in records if place.offset >= cuts.get(place.partition, 0)}
    bare = {place for place in left if place not in kinds}
    unseen = {place for place in bare if place.offset < floors.get(place.partition, 0)}
    exclusive = {place for place, found in kinds.items() if place in left and len(set(found)) > 1}
    doubled = {place for place, found in kinds.items() if place in left and len(found) > 1} - exclusive
    unknown |= {place for place in kinds if place not in left}
    expected = {"lost": bare - unseen, "duplicated": doubled, "both-branches": exclusive, "unknown": unknown}
    for violation, found in expected.items():
        assert report.examples[violation] == named(found)[:MAX_EXAMPLES]
        assert getattr(report, violation.replace("-", "_")) == len(found)
    assert (report.input, report.unseen, report.unjudged) == (len(left - unseen), len(unseen), unjudged)
    assert report.outcomes == {
        kind: len({place for place, found in kinds.items() if kind in found}) for kind in Outcome
    }
    assert report.clean == (not any(expected.values()) and not report.unread)


@given(by_partition, some_by_partition)
def test_input_that_was_removed_unread_is_named(beginnings: dict[int, int], committed: dict[int, int]) -> None:
    """It reaches from the committed offset to the beginning, where that is behind it."""
    report = Books(Scope("input", beginnings, committed, beginnings), []).close()
    removed = {p: offset for p, offset in sorted(committed.items()) if offset < beginnings[p]}
    assert report.unread == sum(beginnings[p] - offset for p, offset in removed.items())
    assert report.examples["unread"] == [f"{p}:{offset}-{beginnings[p] - 1}" for p, offset in removed.items()]


def books_of(
    bounds: tuple[dict[int, int], ...],
    records: dict[Coordinates, tuple[bool, bool]],
    letters: list[Coordinates],
    markers: list[Coordinates],
) -> Books:
    """Return books into which all this was entered for the legit branch."""
    beginnings, ends, committed, starts = bounds
    books = Books(Scope("input", {}, {}, {}), [BranchScope(topics.LEGIT, beginnings, ends, committed)])
    branch = books.branches["legit"]
    branch.see_from(starts)
    for place, (judged, retried) in records.items():
        branch.add_record(*place, judged=judged, retried=retried)
    for place in letters:
        branch.add_letter(place)
    for place in markers:
        branch.add_marker(place)
    return books


@settings(max_examples=500)
@given(
    st.tuples(by_partition, by_partition, some_by_partition, some_by_partition),
    st.dictionaries(
        st.builds(Coordinates, st.sampled_from(PARTITIONS), offsets), st.tuples(st.booleans(), st.booleans())
    ),
    st.lists(places),
    st.lists(places),
    st.none() | st.lists(places),
)
def test_effects_are_judged_as_an_oracle_judges_them(
    bounds: tuple[dict[int, int], ...],
    records: dict[Coordinates, tuple[bool, bool]],
    letters: list[Coordinates],
    markers: list[Coordinates],
    ledger: list[Coordinates] | None,
) -> None:
    """Each record of a branch is done once, a dead letter, pending, or a violation; so with a ledger as without."""
    beginnings, ends, committed, starts = bounds
    books = books_of(bounds, records, letters, markers)
    report = books.close({} if ledger is None else {topics.LEGIT.key: Ledger(ledger)})
    start = {p: max(beginnings[p], starts.get(p, 0)) for p in PARTITIONS}
    concerned = {place for place, (told_so, _) in records.items() if told_so}
    due = {place for place in concerned if place.offset < committed.get(place.partition, 0)}
    effects = Counter(due - set(letters) if ledger is None else ledger)
    told = Counter(letters)
    twice = {place for place in due if effects[place] + told[place] > 1}
    missing = {place for place in due if not effects[place] + told[place]}
    removed = {p: (offset, beginnings[p]) for p, offset in committed.items() if offset < beginnings[p]}
    unknown = {
        place
        for place in (*effects, *told)
        if place.partition not in PARTITIONS
        or (start[place.partition] <= place.offset < committed.get(place.partition, 0) and place not in records)
    }
    retries = {place for place, (_, retried) in records.items() if retried}
    unmarked = {
        place
        for place in retries ^ set(markers)
        if place.partition in PARTITIONS and start[place.partition] <= place.offset < ends[place.partition]
    }
    assert report.effect_missing == len(missing) + sum(end - begin for begin, end in removed.values())
    ranges = [f"legit:{p}:{begin}-{end - 1}" for p, (begin, end) in sorted(removed.items())]
    assert report.examples["effect-missing"] == [*ranges, *named(missing, "legit:")][:MAX_EXAMPLES]
    assert (report.effect_twice, report.unknown, report.unmarked) == (len(twice), len(unknown), len(unmarked))
    assert report.examples["effect-twice"] == named(twice, "legit:")[:MAX_EXAMPLES]
    found = report.effects["legit_processor"]
    assert (found.done, found.dead_letters) == (len(due & set(effects)), len(due & set(told)))
    assert found.pending == len(concerned) - len(due)


def test_a_ledger_is_held_against_the_branch_and_its_letters() -> None:
    """Twice in the ledger, in it and a letter, in neither, and in it without a record: each is found by its place."""
    one = {0: 9}
    records = {Coordinates(0, offset): (True, False) for offset in range(5)}
    books = books_of(({0: 0}, one, one, {}), records, [Coordinates(0, 1), Coordinates(0, 4)], [])
    ledger = [Coordinates(0, offset) for offset in (0, 2, 2, 4, 7)]
    report = books.close({topics.LEGIT.key: Ledger(ledger)})
    assert (report.effect_twice, report.examples["effect-twice"]) == (2, ["legit:0:2", "legit:0:4"])
    assert (report.effect_missing, report.examples["effect-missing"]) == (1, ["legit:0:3"])
    assert (report.unknown, report.examples["unknown"]) == (1, ["legit:0:7"])
    assert report.effects["legit_processor"].method == "by ledger"


def test_what_a_range_leaves_out_is_no_violation() -> None:
    """A letter of nothing counts where its origin is judged, or where it does not say what that is."""
    scope = Scope("input", {0: 0}, {0: 9}, {0: 9}, Period(since=datetime(2026, 11, 22, tzinfo=UTC)), {0: 5})
    books = Books(scope, [BranchScope(topics.LEGIT, {0: 0}, {0: 9}, {0: 9})])
    for origin in (b"0:4", b"0:5", None):
        told = [(headers.SOURCE.name, b"0:%d" % (3 if origin is None else int(origin[2:])))]
        if origin is not None:
            told.append((headers.ORIGIN.name, origin))
        enter_letter(books, books.branches["legit"], topics.LEGIT_DEAD_LETTER, SimpleNamespace(headers=told))
    report = books.close()
    assert (report.unknown, report.examples["unknown"]) == (2, ["legit:0:3", "legit:0:5"])


def test_effects_are_judged_for_origins_that_are() -> None:
    """Without a range, all that did not come after we looked, and what hides its origin; with one, only its own."""
    bounds = ("input", {0: 2}, {0: 7}, {0: 9})
    whole, ranged = Scope(*bounds), Scope(*bounds, Period(since=datetime(2026, 11, 22, tzinfo=UTC)), {0: 5})
    origins = [Coordinates(0, offset) for offset in (1, 4, 5, 6, 7)]
    assert [whole.concerns(origin) for origin in origins] == [True, True, True, True, False]
    assert [ranged.concerns(origin) for origin in origins] == [False, False, True, True, False]
    for forged in (None, Coordinates(9, 0)):
        assert (whole.concerns(forged), ranged.concerns(forged)) == (True, False)


def test_a_topic_that_was_made_anew_is_told() -> None:
    """Offsets behind its end were committed for another log: nothing behind the end is judged."""
    scope = Scope("input", {0: 0}, {0: 70}, {0: 9})
    report = Books(scope, []).close()
    assert scope.end == {0: 9}
    assert report.notes == ["partition 0: the detector has committed 70, the topic ends at 9; was it made anew?"]


def test_unreadable_outcomes_are_counted_and_the_first_named() -> None:
    """What does not say where it comes from is named by its own place."""
    books = Books(Scope("input", {0: 0}, {0: 1}, {0: 1}), [])
    for offset in range(12):
        books.add_unreadable("fraud", Coordinates(1, offset))
    books.add_input(0, 0)
    books.add_outcome(Outcome.LEGIT, Coordinates(0, 0))
    report = books.close()
    assert (report.unknown, report.input, report.clean) == (12, 1, False)
    assert report.examples["unknown"] == [f"fraud:1:{offset}" for offset in range(MAX_EXAMPLES)]


def test_the_line_tells_of_other_violations_where_there_are_any() -> None:
    """Lost and duplicated always stand in it, the others only with a figure."""

    def line(**changes: Any) -> str:
        books = Books(Scope("input", {0: 0}, {0: 2}, {0: 9}), [])
        books.add_input(0, 0)
        for kind in changes.get("kinds", ()):
            books.add_outcome(kind, Coordinates(0, 0))
        if "floor" in changes:
            books.see_from(0, changes["floor"])
        return books.close().line()

    assert line(kinds=["legit"]) == "audit: in=1 legit=1 fraud=0 dead-letter=0 lost=0 duplicated=0"
    assert line(kinds=["legit", "legit"]).endswith("lost=0 duplicated=1")
    assert line(kinds=["legit", "fraud"]).endswith("lost=0 duplicated=0 both-branches=1")
    assert line(kinds=["legit", "fraud", "legit"]).endswith("lost=0 duplicated=0 both-branches=1")
    assert line().endswith("in=1 legit=0 fraud=0 dead-letter=0 lost=1 duplicated=0")
    assert line(floor=1).endswith("duplicated=0 (not judged: 1, retention has cut the outputs)")


def test_what_stands_between_two_stages_is_not_lost() -> None:
    """It has no outcome yet, and is judged next time; what has come out meanwhile is judged now."""
    books = Books(Scope("input", {0: 0}, {0: 4}, {0: 4}), [])
    for offset in range(4):
        books.add_input(0, offset)
    for offset in (1, 2, 9):
        books.add_under_way(Coordinates(0, offset))
    books.add_outcome(Outcome.LEGIT, Coordinates(0, 0))
    books.add_outcome(Outcome.FRAUD, Coordinates(0, 1))
    report = books.close()
    assert (report.input, report.under_way, report.lost) == (3, 1, 1)
    assert report.examples["lost"] == ["0:3"]
    assert report.line() == "audit: in=3 legit=1 fraud=1 dead-letter=0 lost=1 duplicated=0 (under way: 1)"
