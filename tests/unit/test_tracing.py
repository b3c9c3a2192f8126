"""Traces: a context that anybody may send, spans that end with their transaction, and nothing of it unless asked."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.routing import told_of
from pipeline.contracts import topics
from pipeline.contracts.headers import HITS, TRACE
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing
from pipeline.contracts.tracecontext import TraceContext, context_in, decoded
from pipeline.errors import SettingsError
from pipeline.runtime.handler import Forgetful
from pipeline.runtime.settings import common_from_env
from pipeline.runtime.tracing.handling import MOST_AT_ONCE, Traced, TracedEffects
from pipeline.runtime.tracing.publishing import TracedOutlet
from pipeline.runtime.tracing.tracer import tracer_of
from tests.support.deployment import ROOT
from tests.unit.samples import record, transfer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record

PARENT = TraceContext(0xABC, 0xDEF)
SAMPLED = ((TRACE.name, PARENT.encode().encode()), ("other", b"x"))


class FakeSpan:
    """A span that says what became of it."""

    def __init__(self, name: str, parent: TraceContext | None, number: int) -> None:
        self.name, self.parent = name, parent
        self.context = TraceContext(0xABC if parent else number, 1000 + number)
        self.notes: dict[str, str | int] = {}
        self.why = ""
        self.ended = 0

    def note(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        self.notes[name] = value

    def failed(self, why: str) -> None:
        """Note why."""
        self.why = why

    def end(self) -> None:
        """Count it."""
        self.ended += 1


class FakeTracer:
    """Keeps the spans that it makes."""

    def __init__(self, share: float = 0.0) -> None:
        self.share = share
        self.spans: list[FakeSpan] = []

    def begin(
        self, name: str, _kind: str, parent: TraceContext | None, attributes: Mapping[str, str | int]
    ) -> FakeSpan:
        """Make one."""
        span = FakeSpan(name, parent, len(self.spans) + 1)
        span.notes.update(attributes)
        self.spans.append(span)
        return span


class Passing(Forgetful):
    """A handler that passes records on, unless it is told to refuse them."""

    def __init__(self) -> None:
        self.seen: list[Record] = []
        self.refuses = False
        self.outcomes: list[str] = []

    def handle(self, one: Record) -> Sequence[Outgoing]:
        """Pass it on."""
        self.seen.append(one)
        if self.refuses:
            raise InvalidMessageError(Reason.EMPTY, "empty")
        return (Outgoing(topics.LEGIT, headers=((HITS.name, b"v"),)),)

    def committed(self) -> None:
        """Note it."""
        self.outcomes.append("committed")

    def aborted(self) -> None:
        """Note it."""
        self.outcomes.append("aborted")


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_a_context_is_read_as_it_was_written(trace: int, span: int) -> None:
    """By version 00 of the standard."""
    context = TraceContext(trace, span)
    assert decoded(context.encode()) == context
    assert len(context.encode()) == 55


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{0:032x}-{1:016x}-01",
        f"00-{1:032x}-{0:016x}-01",
        f"00-{1:032x}-{1:016x}-00",
        f"ff-{1:032x}-{1:016x}-01",
        f"00-{1:032x}-{1:016x}-01-more",
        f"00-{0xABC:032X}-{1:016x}-01",
        f"00-{1:032x}-{1:016x}-01\n",
        f"00-{chr(0x661) * 32}-{1:016x}-01",
        "01-" + "1" * 32 + "-" + "1" * 16 + "-01-" + "x" * 500,
    ],
)
def test_what_is_no_sampled_context_is_none(text: str) -> None:
    """Nobody's header makes a span by being nearly one, or fails a batch."""
    assert decoded(text) is None
    assert context_in(((TRACE.name, text.encode()),)) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """As the standard asks for."""
    assert decoded(f"01-{1:032x}-{2:016x}-03-more") == TraceContext(1, 2)


@given(st.binary(max_size=80))
def test_any_header_is_a_context_or_none(value: bytes) -> None:
    """And never an error."""
    assert isinstance(context_in(((TRACE.name, value),)), TraceContext | None)
    assert context_in(((TRACE.name, None),)) is None


def test_a_record_that_carries_a_context_has_a_span_which_ends_with_its_transaction() -> None:
    """What is written goes on behind the span, and so does what the handler keeps; others have none."""
    tracer, inner = FakeTracer(), Passing()
    traced = Traced(inner, tracer, "detect", lambda _: {"rule": "large"})
    plain = record(transfer())
    assert traced.handle(plain) is not None
    assert inner.seen[-1] is plain
    assert tracer.spans == []
    (outgoing,) = traced.handle(record(transfer(), headers=SAMPLED))
    (span,) = tracer.spans
    assert (span.name, span.parent, span.ended) == ("detect input", PARENT, 0)
    assert outgoing.headers == ((HITS.name, b"v"), span.context.header())
    assert inner.seen[-1].headers == (("other", b"x"), span.context.header())
    assert (span.notes["rule"], span.notes["fraud.branch"]) == ("large", "legit")
    assert (span.notes["messaging.destination.name"], span.notes["messaging.kafka.offset"]) == ("input", 41)
    traced.committed()
    traced.committed()
    assert (span.ended, inner.outcomes) == (1, ["committed", "committed"])


def test_what_was_undone_is_not_told() -> None:
    """Its record comes again, and has another span."""
    tracer = FakeTracer()
    traced = Traced(Passing(), tracer, "detect")
    traced.handle(record(transfer(), headers=SAMPLED))
    traced.aborted()
    traced.handle(record(transfer(), headers=SAMPLED))
    traced.committed()
    assert [span.ended for span in tracer.spans] == [0, 1]
    traced.handle(record(transfer(), headers=SAMPLED))
    traced.assigned(())
    traced.committed()
    assert tracer.spans[-1].ended == 0


def test_a_refusal_is_told_as_one() -> None:
    """Whether the handler says so at once, or its effects do."""
    tracer, inner = FakeTracer(), Passing()
    traced = Traced(inner, tracer, "settle")
    inner.refuses = True
    with pytest.raises(InvalidMessageError):
        traced.handle(record(transfer(), headers=SAMPLED))
    inner.refuses = False
    second = record(transfer(), headers=SAMPLED, offset=42)
    traced.handle(second)

    class Refusing:
        resumed = save = None

        def refused(self) -> list[tuple[Record, InvalidMessageError]]:
            error = InvalidMessageError(Reason.ID_CONFLICT, "again")
            return [(second, error), (record(transfer(), offset=43), error)]

    effects: Any = Refusing()
    assert len(list(TracedEffects(effects, traced).refused())) == 2
    traced.committed()
    assert [(span.why, span.ended) for span in tracer.spans] == [("empty", 1), ("id-conflict", 1)]


def test_spans_of_one_transaction_are_bounded() -> None:
    """What is beyond goes on in its trace, behind the span before it."""
    tracer, inner = FakeTracer(), Passing()
    traced = Traced(inner, tracer, "detect")
    for offset in range(MOST_AT_ONCE + 3):
        traced.handle(record(transfer(), headers=SAMPLED, offset=offset))
    assert len(tracer.spans) == MOST_AT_ONCE
    assert inner.seen[-1].headers == SAMPLED


class FakeOutlet:
    """Keeps what it takes."""

    topic, producer = "input", None

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, Sequence[Header]]] = []

    def take(self, records: Sequence[tuple[bytes, bytes]], _timestamp_ms: int, headers: Sequence[Header] = ()) -> None:
        """Take records."""
        assert records
        self.taken += [(key, tuple(headers)) for key, _ in records]

    def push(self, *, everything: bool) -> bool:
        """Hold nothing back."""
        return not everything

    def handed_over(self) -> list[tuple[Any, int]]:
        """Return nothing."""
        return []


@given(st.lists(st.integers(1, 40), max_size=20), st.floats(0, 1), st.integers())
def test_every_record_is_sent_once_in_its_order(parts: list[int], share: float, seed: int) -> None:
    """With a span or without; each that has one carries its context."""
    tracer, outlet = FakeTracer(share), FakeOutlet()
    traced = TracedOutlet(outlet, tracer, Random(seed))  # noqa: S311 (no secret)
    numbers = iter(range(sum(parts)))
    for count in parts:
        traced.take([(b"%d" % next(numbers), b"") for _ in range(count)], 1)
    assert [key for key, _ in outlet.taken] == [b"%d" % number for number in range(sum(parts))]
    carried = [headers[0] for _, headers in outlet.taken if headers]
    assert carried == [span.context.header() for span in tracer.spans]
    assert all(span.ended == 1 for span in tracer.spans)
    if share in {0.0, 1.0}:
        assert len(carried) == share * sum(parts)


def test_as_many_are_traced_as_was_asked_for() -> None:
    """A tenth of 20,000, give or take five deviations."""
    tracer, outlet = FakeTracer(0.1), FakeOutlet()
    traced = TracedOutlet(outlet, tracer, Random(7))  # noqa: S311 (no secret)
    for _ in range(200):
        traced.take([(b"k", b"v")] * 100, 1)
    assert 1_788 < len(tracer.spans) < 2_212


def test_a_trace_says_by_which_rules_it_is_fraud() -> None:
    """Of a verdict; of what passes on as it is there is nothing to say."""
    assert told_of((Outgoing(topics.LEGIT),)) == {}
    value = b'{"a":1,"verdict":{"ruleset":"v1","score":100,"hits":[{"rule":"large","severity":"high","score":100,'
    value += b'"message":"","values":{}}]}}'
    assert told_of((Outgoing(topics.FRAUD, value),)) == {"fraud.rules": "large", "fraud.ruleset": "v1"}


@pytest.mark.parametrize(
    ("values", "exporter", "share"),
    [
        ({}, "none", 0.01),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp", 0.01),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "none", 0.0),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_TRACES_SAMPLER": "always_on"}, "console", 1.0),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, "otlp", 0.5),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "parentbased_always_off"}, "otlp", 0.0),
    ],
)
def test_standard_variables_decide(values: dict[str, str], exporter: str, share: float) -> None:
    """Nothing is traced unless an exporter is named."""
    traces = common_from_env(values).traces
    assert (traces.exporter, traces.share) == (exporter, share)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_SAMPLER", "some"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ],
)
def test_bad_variables_are_told(name: str, value: str) -> None:
    """Before anything starts."""
    with pytest.raises(SettingsError, match=name):
        common_from_env({"OTEL_TRACES_EXPORTER": "otlp", name: value})


def test_who_asks_for_no_traces_loads_none_of_their_libraries() -> None:
    """Neither time at the start nor memory."""
    code = (
        "import sys, generator.__main__, detector.__main__, legit_processor.__main__, fraud_processor.__main__\n"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'prometheus_client')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    with tracer_of(common_from_env({}).traces, "detector") as tracer:
        assert tracer is None
