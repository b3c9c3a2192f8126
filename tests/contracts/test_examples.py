"""Example messages are data: what one writes down as valid is read, what is written down as invalid is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from pipeline.contracts import topics
from pipeline.contracts.formats import FORMAT_NAMES
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.labels import Label, encoded
from tests.support.examples import (
    EXAMPLES,
    INVALID,
    detector_of,
    dialect_of,
    files,
    frauds,
    record_of,
    value_of,
)

if TYPE_CHECKING:
    from pathlib import Path

CARRYING: Final = [topic.key for topic in topics.HANDLED]

# These show in what is absent, in headers, in a size, on a later topic or by hand: no file of the input has them.
NOT_IN_A_FILE: Final = {
    Reason.TOMBSTONE,
    Reason.NO_ORIGIN,
    Reason.TOO_LARGE,
    Reason.INVALID_VERDICT,
    Reason.UNSUPPORTED_METHOD,
    Reason.SKIPPED,
    Reason.NO_HITS,
    Reason.ID_CONFLICT,
}


def case_of(path: Path) -> str:
    """Return a short name for a test's id."""
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("topic", CARRYING)
def test_every_topic_that_carries_transactions_has_examples_of_both_dialects(topic: str) -> None:
    """Whoever looks up what a topic holds finds a message of either dialect."""
    assert {path.stem.partition("-")[0] for path in files(topic)} == set(FORMAT_NAMES)


def test_every_folder_of_examples_belongs_to_a_topic() -> None:
    """No example is left behind by a topic that was renamed, and none has another ending."""
    assert {path.name for path in EXAMPLES.iterdir()} == {*CARRYING, INVALID, topics.LABELS.key}
    assert {path.suffix for folder in EXAMPLES.iterdir() for path in folder.iterdir()} == {".json"}


@pytest.mark.parametrize("path", files("transactions") + files("legit"), ids=case_of)
def test_every_valid_example_is_read(path: Path) -> None:
    """What is shown as a transaction is one."""
    codec, _ = detector_of(dialect_of(path))
    assert codec.read(record_of(value_of(path))).amount >= 0


@pytest.mark.parametrize("path", files("fraud"), ids=case_of)
def test_every_fraud_example_is_read_with_its_verdict(path: Path) -> None:
    """What is shown as a fraud names at least one rule that fired."""
    codec, _ = detector_of(dialect_of(path))
    _, verdict = codec.read_judged(record_of(value_of(path)))
    assert verdict.hits
    assert verdict.score >= 100


def test_every_transaction_is_shown_again_where_it_is_routed_to() -> None:
    """Each example of the input stands as legit or as fraud under the same name, as the default rules have it."""
    legit = {path.name for path in files("legit")}
    assert legit == {path.name for path in files("transactions")} - {path.name for path in frauds()}


@pytest.mark.parametrize("path", files("legit"), ids=case_of)
def test_a_legit_example_has_the_bytes_that_were_sent(path: Path) -> None:
    """What is legitimate travels on byte for byte."""
    assert path.read_bytes() == (EXAMPLES / "transactions" / path.name).read_bytes()


def test_the_fraud_examples_are_what_the_default_rules_make_of_the_input() -> None:
    """``make docs`` was run after the last change of a rule: bytes as they were sent, and a verdict at their end."""
    assert {path: value_of(path) for path in files("fraud")} == frauds()


@pytest.mark.parametrize("path", files(topics.LABELS.key), ids=case_of)
def test_every_example_of_a_label_is_what_the_generator_writes(path: Path) -> None:
    """Members, order and moments have the form that the code gives them; the transaction is shown, too."""
    label = msgspec.json.decode(value_of(path), type=Label, strict=True)
    assert encoded(label) == value_of(path)
    assert label.label_id == f"{label.origin}:{label.transaction_id}"
    assert any(label.transaction_id.encode() in value_of(shown) for shown in files("transactions"))


@pytest.mark.parametrize("path", files(INVALID), ids=case_of)
def test_every_invalid_example_is_refused_for_the_reason_in_its_name(path: Path) -> None:
    """A file is named by its reason, and by its case where there are several."""
    codec, _ = detector_of(dialect_of(path))
    with pytest.raises(InvalidMessageError) as refused:
        codec.read(record_of(value_of(path)))
    assert refused.value.reason == path.stem.partition("--")[0]


def test_every_reason_that_a_file_can_show_has_an_example() -> None:
    """Whoever adds a reason adds a message that has it."""
    shown = {path.stem.partition("--")[0] for path in files(INVALID)}
    assert shown == set(Reason) - NOT_IN_A_FILE
