"""The registry of topics, and that the rest of the repository agrees with it."""

from __future__ import annotations

import importlib.util

import pytest

from pipeline.contracts import topics
from pipeline.contracts.topics import Topic

OWN = [topic for topic in topics.ALL if topic.dead_letter_of is None]
READ_BY_PEOPLE = [topic for topic in OWN if topic.consumers == (topics.PEOPLE,)]
LETTERS = [topic for topic in topics.ALL if topic.dead_letter_of is not None]


def test_keys_and_default_names_are_unique() -> None:
    """No two topics can be taken for each other, in code or on a cluster."""
    assert len({topic.key for topic in topics.ALL}) == len(topics.ALL)
    assert len({topic.default_name for topic in topics.ALL}) == len(topics.ALL)
    assert len({topic.variable for topic in OWN}) == len(OWN)


def test_default_names_differ_where_kafka_takes_dots_for_underscores() -> None:
    """Kafka refuses a topic whose name differs from another's by nothing else."""
    assert len({topic.default_name.replace(".", "_") for topic in topics.ALL}) == len(topics.ALL)


def test_every_declared_topic_is_in_the_registry() -> None:
    """A topic that is declared and not listed would never be created."""
    declared = [value for value in vars(topics).values() if isinstance(value, Topic)]
    assert sorted(topic.key for topic in declared) == sorted(topic.key for topic in topics.ALL)


@pytest.mark.parametrize("topic", OWN, ids=lambda topic: topic.key)
def test_the_name_of_a_topic_comes_from_its_variable(topic: Topic) -> None:
    """An unset, an empty and a blank variable mean the default name."""
    assert topic.name_in({topic.variable: "payments"}) == "payments"
    assert topic.name_in({topic.variable: " payments "}) == "payments"
    for names in ({}, {topic.variable: ""}, {topic.variable: "  "}):
        assert topic.name_in(names) == topic.default_name


@pytest.mark.parametrize("letters", LETTERS, ids=lambda topic: topic.key)
def test_dead_letters_are_named_after_their_topic(letters: Topic) -> None:
    """Whatever a topic is called in a deployment, its dead letters are called so with a suffix."""
    twin = letters.dead_letter_of
    assert twin is not None
    assert letters.name_in({}) == f"{twin.default_name}.dead-letter" == letters.default_name
    assert letters.name_in({twin.variable: "payments"}) == "payments.dead-letter"


@pytest.mark.parametrize("topic", topics.HANDLED, ids=lambda topic: topic.key)
def test_every_topic_that_is_consumed_has_dead_letters_of_its_consumer(topic: Topic) -> None:
    """Whoever reads a topic sets aside there what cannot be read, and keeps it longer than the topic itself."""
    letters = topics.dead_letters_of(topic)
    assert letters.dead_letter_of is topic
    assert letters.producers == topic.consumers
    assert letters.consumers == ("people",)
    assert letters.retention_ms > topic.retention_ms


def test_what_people_read_alone_has_no_dead_letters() -> None:
    """Nobody sets anything aside there: nothing is created, listed or sent again for the topic of labels."""
    assert READ_BY_PEOPLE == [topics.LABELS]
    assert [*topics.HANDLED, *READ_BY_PEOPLE, topics.RULES, topics.SNAPSHOTS] == OWN
    with pytest.raises(LookupError, match="labels"):
        topics.dead_letters_of(topics.LABELS)


@pytest.mark.parametrize("letters", LETTERS, ids=lambda topic: topic.key)
def test_dead_letters_have_no_dead_letters(letters: Topic) -> None:
    """Nobody consumes them but people."""
    with pytest.raises(LookupError, match=letters.key):
        topics.dead_letters_of(letters)


def test_every_producer_and_consumer_is_a_package_that_runs() -> None:
    """Whoever the registry names can be started as ``python -m`` of that name."""
    services = {name for topic in topics.ALL for name in (*topic.producers, *topic.consumers)} - {"people"}
    for service in services:
        assert importlib.util.find_spec(f"{service}.__main__") is not None, service


def test_every_topic_is_produced_and_consumed() -> None:
    """A topic that nobody writes or nobody reads has no reason to be."""
    assert all(topic.producers and topic.consumers for topic in topics.ALL)
    assert all(topic.message and topic.record_key for topic in topics.ALL)


@pytest.mark.parametrize(
    ("service", "consumed", "produced"),
    [
        ("detector", topics.TRANSACTIONS, {topics.LEGIT, topics.FRAUD, topics.TRANSACTIONS_DEAD_LETTER}),
        ("legit_processor", topics.LEGIT, {topics.LEGIT_DEAD_LETTER}),
        ("fraud_processor", topics.FRAUD, {topics.FRAUD_DEAD_LETTER}),
    ],
)
def test_a_service_finds_its_topics(service: str, consumed: Topic, produced: set[Topic]) -> None:
    """What a service reads and writes is looked up, not told twice."""
    assert topics.consumed_by(service) is consumed
    assert set(topics.produced_by(service)) == produced


def test_what_keeps_the_last_of_each_key_is_nothing_that_flows() -> None:
    """Such a topic has no dead letters, and nobody takes it for an outcome."""
    assert set(topics.ALL) - set(topics.STREAMS) == {topic for topic in topics.ALL if topic.compacted}


@pytest.mark.parametrize("service", ["generator", "people", "nobody"])
def test_whoever_reads_not_exactly_one_topic_is_told(service: str) -> None:
    """The generator reads none, and people read several."""
    with pytest.raises(LookupError, match=service):
        topics.consumed_by(service)
