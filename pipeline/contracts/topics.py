"""The registry of topics: whoever names a topic, in code, documents or tests, reads it from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

DAY_MS = 24 * 60 * 60 * 1000

DEAD_LETTER_SUFFIX = ".dead-letter"

PEOPLE = "people"  # read what no service reads: nothing can be set aside there


# Compared by identity: a topic is a key wherever a record passes, and there is one of each.
@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """What is agreed about one topic. Its name in a deployment comes from ``variable``, else ``default_name``.

    A ``compacted`` one keeps the last record of each key, whatever ``retention_ms`` says. It has a single partition,
    unless it is ``partitioned``. ``segment_bytes`` is how much of a partition is never compacted; None: as brokers do.
    A hop is one of several whose names begin alike; ``gathers`` is what it adds, and by what its records are keyed.
    """

    key: str
    variable: str
    default_name: str
    record_key: str
    message: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_ms: int = 7 * DAY_MS
    dead_letter_of: Topic | None = None
    compacted: bool = False
    partitioned: bool = True
    segment_bytes: int | None = None
    gathers: str = ""

    def name_in(self, names: dict[str, str]) -> str:
        """Return the topic's name where ``names`` gives variables their values; a dead letter's follows its twin."""
        if self.dead_letter_of is not None:
            return self.dead_letter_of.name_in(names) + DEAD_LETTER_SUFFIX
        return (names.get(self.variable, "").strip() or self.default_name) + self.gathers


def _dead_letters(twin: Topic, producer: str) -> Topic:
    return Topic(
        key=f"{twin.key}-dead-letter",
        variable=twin.variable,
        default_name=twin.default_name + DEAD_LETTER_SUFFIX,
        record_key="as it came",
        message="the record as it came, and in headers why it could not be handled",
        producers=(producer,),
        consumers=(PEOPLE,),
        retention_ms=30 * DAY_MS,
        dead_letter_of=twin,
    )


TRANSACTIONS = Topic(
    key="transactions",
    variable="TRANSACTIONS_TOPIC",
    default_name="queueing.transactions",
    record_key="the account: source, else target",
    message="a transaction in one of the formats",
    producers=("generator",),
    consumers=("detector",),
)
LEGIT = Topic(
    key="legit",
    variable="LEGIT_TOPIC",
    default_name="streaming.transactions.legit",
    record_key="as it came",
    message="the transaction as it came, byte for byte",
    producers=("detector",),
    consumers=("legit_processor",),
)
FRAUD = Topic(
    key="fraud",
    variable="FRAUD_TOPIC",
    default_name="streaming.transactions.fraud",
    record_key="as it came",
    message="the transaction as it came, and a last member `verdict`",
    producers=("detector",),
    consumers=("fraud_processor",),
)
LABELS = Topic(
    key="labels",
    variable="LABELS_TOPIC",
    default_name="fraud.labels",
    record_key="the transaction's id",
    message="what is known to be fraud, and from when on it may be used",
    producers=("generator", PEOPLE),
    consumers=(PEOPLE,),
    retention_ms=90 * DAY_MS,
)
TRANSACTIONS_DEAD_LETTER = _dead_letters(TRANSACTIONS, "detector")
LEGIT_DEAD_LETTER = _dead_letters(LEGIT, "legit_processor")
FRAUD_DEAD_LETTER = _dead_letters(FRAUD, "fraud_processor")

RULES = Topic(
    key="rules",
    variable="RULES_TOPIC",
    default_name="config.rules",
    record_key="`current`, or `version/` and a hash",
    message="versions of rules, and which of them is in force",
    producers=(PEOPLE, "detector"),
    consumers=("detector",),
    compacted=True,
    partitioned=False,
)
SNAPSHOTS = Topic(
    key="snapshots",
    variable="SNAPSHOTS_TOPIC",
    default_name="state.snapshots",
    record_key="a partition of a log, a bucket of keys or the whole, and an offset",
    message="what rules remember of that bucket at that offset; of the whole, which buckets it takes",
    producers=("detector",),
    consumers=("detector",),
    compacted=True,
    segment_bytes=64 * 1024 * 1024,
)

HOPS_VARIABLE: Final = "HOP_TOPICS"
HOPS_DEFAULT_NAME: Final = "streaming.transactions.by-"


@cache
def hop_by(name: str) -> Topic:
    """Return the topic in which transactions are gathered by a field or member, on their way between two stages.

    Which of them a deployment has is a matter of its rules. What a stage cannot handle goes to the dead letters of the
    input, as the record that entered.
    """
    return Topic(
        key=f"by-{name}",
        variable=HOPS_VARIABLE,
        default_name=HOPS_DEFAULT_NAME,
        record_key=f"`{name}`, else the account",
        message="a transaction that was judged in part, with its hits so far in headers",
        producers=("detector",),
        consumers=("detector",),
        gathers=name,
    )


# What transactions flow through, what could not be handled of them, and what is known of them.
STREAMS = (TRANSACTIONS, LEGIT, FRAUD, LABELS, TRANSACTIONS_DEAD_LETTER, LEGIT_DEAD_LETTER, FRAUD_DEAD_LETTER)
ALL = (*STREAMS, RULES, SNAPSHOTS)

# Those that a service handles record by record: what it cannot handle goes to their dead letters.
HANDLED = tuple(letters.dead_letter_of for letters in ALL if letters.dead_letter_of is not None)

# What can be told about the record beside its own bytes: reason, coordinates, the verdict.
OUTPUT_HEADROOM_BYTES = 64 * 1024


def dead_letters_of(topic: Topic) -> Topic:
    """Return the dead-letter twin of a topic that is consumed.

    Raises:
        LookupError: the topic has none, because nobody consumes it.

    """
    for candidate in ALL:
        if candidate.dead_letter_of is topic:
            return candidate
    message = f"topic {topic.key} has no dead-letter twin"
    raise LookupError(message)


def consumed_by(service: str) -> Topic:
    """Return the topic whose records a service handles.

    Raises:
        LookupError: there is none, or more than one.

    """
    found = [topic for topic in STREAMS if service in topic.consumers]
    if len(found) != 1:
        message = f"{service} reads {len(found)} topics, not one"
        raise LookupError(message)
    return found[0]


def produced_by(service: str) -> tuple[Topic, ...]:
    """Return the topics that a service writes because of what it handles."""
    return tuple(topic for topic in STREAMS if service in topic.producers)
