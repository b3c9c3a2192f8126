"""Spans of OpenTelemetry's own SDK. Imported only where traces are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from pipeline.contracts.tracecontext import TraceContext
from pipeline.runtime.tracing.settings import CONSOLE
from pipeline.runtime.tracing.tracer import CLOSE_MS, EXPORT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.tracing.settings import TraceSettings


class OpenTelemetry:
    """See :class:`~pipeline.runtime.tracing.tracer.Tracer`. Who asks for a span has decided that it is sampled."""

    def __init__(self, settings: TraceSettings, service: str) -> None:
        self.share = settings.share
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the name that we know.
        resource = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
        exporter: Any
        if settings.exporter == CONSOLE:
            exporter = ConsoleSpanExporter()
        else:
            exporter = OTLPSpanExporter(endpoint=f"{settings.endpoint}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("fraud-pipeline")

    def begin(self, name: str, kind: str, parent: TraceContext | None, attributes: Mapping[str, str | int]) -> _Span:
        """Begin a span; see :class:`~pipeline.runtime.tracing.tracer.Tracer`."""
        context = None
        if parent is not None:
            flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
            remote = trace.SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
            context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        return _Span(self._tracer.start_span(name, context, trace.SpanKind[kind], dict(attributes)))

    def close(self) -> None:
        """Send what is left, within bounds."""
        self._provider.force_flush(CLOSE_MS)
        self._provider.shutdown()


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span
        found = span.get_span_context()
        self.context = TraceContext(found.trace_id, found.span_id)

    def note(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def failed(self, why: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, why)

    def end(self) -> None:
        self._span.end()
