"""Where reading a partition begins: every case of committed offset, log and outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.transactional.start import (
    BEGINNING,
    END,
    LOST_EFFECTS_VARIABLE,
    LOST_OFFSETS_VARIABLE,
    REFUSE,
    LostOffsetsError,
    PartitionState,
    start_beside,
    start_offset,
)

ANSWERS = st.sampled_from([REFUSE, BEGINNING, END])


def nobody_asks() -> bool:
    """Stand for a look at the outputs that would be slow and is not needed."""
    pytest.fail("the outputs were looked at")


def state(committed: int | None, beginning: int = 100, end: int = 200) -> PartitionState:
    """Return a partition with offsets from 100 to 200, unless told otherwise."""
    return PartitionState("input:3", committed, beginning, end)


@pytest.mark.parametrize("lost", [REFUSE, BEGINNING, END])
@pytest.mark.parametrize("committed", [100, 150, 200])
def test_a_committed_offset_inside_the_log_is_where_it_goes_on(committed: int, lost: str) -> None:
    """Both ends of the log are inside it, and what to do about losses does not matter where nothing is lost."""
    assert start_offset(state(committed), nobody_asks, lost) == committed


@pytest.mark.parametrize("lost", [REFUSE, BEGINNING, END])
@pytest.mark.parametrize(("beginning", "end"), [(0, 0), (0, 50), (100, 200), (100, 100)])
def test_a_new_partition_is_read_from_its_beginning(beginning: int, end: int, lost: str) -> None:
    """Without a committed offset and without outputs nobody has read it before: nothing of it may be left out."""
    assert start_offset(state(None, beginning, end), lambda: False, lost) == beginning


@pytest.mark.parametrize(
    ("committed", "told"),
    [
        (99, "lost offsets 99 to 99 to retention"),
        (0, "lost offsets 0 to 99 to retention"),
        (201, "ends at 200, before the committed offset 201"),
        (None, "has outputs but no committed offset"),
    ],
)
def test_what_was_lost_is_for_a_person_to_decide(committed: int | None, told: str) -> None:
    """The error names the partition, what is lost, and both ways to accept it."""
    with pytest.raises(LostOffsetsError) as refused:
        start_offset(state(committed), lambda: True, REFUSE)
    message = str(refused.value)
    assert "input:3" in message
    assert told in message
    assert f"{LOST_OFFSETS_VARIABLE}=beginning" in message
    assert f"{LOST_OFFSETS_VARIABLE}=end" in message
    assert refused.value.exit_code == 1


@pytest.mark.parametrize("committed", [None, 0, 99, 201])
def test_what_was_lost_can_be_accepted(committed: int | None) -> None:
    """A person may read what is there, or go on with what comes."""
    assert start_offset(state(committed), lambda: True, BEGINNING) == 100
    assert start_offset(state(committed), lambda: True, END) == 200


@given(
    committed=st.none() | st.integers(0, 400),
    beginning=st.integers(0, 400),
    length=st.integers(0, 400),
    outputs=st.booleans(),
    lost=ANSWERS,
)
def test_no_offset_outside_of_the_log_is_ever_chosen(
    *, committed: int | None, beginning: int, length: int, outputs: bool, lost: str
) -> None:
    """Either a person is asked, or reading begins somewhere in the log, and never beyond what was committed."""
    end = beginning + length
    try:
        chosen = start_offset(state(committed, beginning, end), lambda: outputs, lost)
    except LostOffsetsError:
        chosen = None
    inside = committed is not None and beginning <= committed <= end
    if inside:
        assert chosen == committed
    elif committed is None and not outputs:
        assert chosen == beginning
    else:
        assert chosen == {REFUSE: None, BEGINNING: beginning, END: end}[lost]
    assert chosen is None or beginning <= chosen <= end


@pytest.mark.parametrize(
    ("committed", "saved", "begins"),
    [
        (None, None, 100),  # new
        (150, 150, 150),  # both stand at the same
        (150, 170, 150),  # a commit that Kafka did not get
        (150, 120, 120),  # a database from a backup
        (0, None, 100),  # nothing was handled ever, whatever the group says
        (None, 130, 100),  # offsets are gone, with nothing written
    ],
)
def test_beside_a_database_it_begins_at_the_lower_of_both(
    committed: int | None, saved: int | None, begins: int
) -> None:
    """As far as the log has it."""
    found = state(committed, 0 if committed == 0 else 100)
    expected = 0 if committed == 0 else begins
    assert start_beside(found, saved, lambda: False, REFUSE, REFUSE) == expected


@pytest.mark.parametrize(
    ("committed", "saved", "told"),
    [
        (150, None, "the database knows nothing of it"),
        (150, 201, "the database has effects up to 201"),
        (150, 90, "lost offsets 90 to 99 to retention, and the database lacks them"),
    ],
)
def test_a_database_that_does_not_fit_is_refused_unless_a_person_says_how_to_go_on(
    committed: int, saved: int | None, told: str
) -> None:
    """From the beginning of the log, or from where Kafka stands."""
    with pytest.raises(LostOffsetsError, match=told) as refused:
        start_beside(state(committed), saved, nobody_asks, REFUSE, REFUSE)
    assert LOST_EFFECTS_VARIABLE in str(refused.value)
    assert start_beside(state(committed), saved, nobody_asks, REFUSE, BEGINNING) == 100
    assert start_beside(state(committed), saved, nobody_asks, REFUSE, END) == committed
