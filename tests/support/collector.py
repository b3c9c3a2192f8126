"""A collector of traces on loopback: takes what OpenTelemetry's exporter sends, and answers as it is told to."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Told(NamedTuple):
    """A span as it came."""

    service: str
    name: str
    kind: int
    trace: str
    span: str
    parent: str
    attributes: dict[str, str]
    failed: bool


class Collector:
    """``spans`` are those that came, in whatever order; while ``status`` is no 200, nothing is taken."""

    def __init__(self) -> None:
        self.spans: list[Told] = []
        self.status = 200
        self.asked = 0
        self.address = ""

    def take(self, body: bytes) -> int:
        """Take what was sent, and return the status of the answer."""
        self.asked += 1
        if self.status == 200:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                named = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    self.spans += [
                        Told(
                            named["service.name"],
                            span.name,
                            span.kind,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes},
                            span.status.code == 2,
                        )
                        for span in scope.spans
                    ]
        return self.status


@contextmanager
def collector() -> Iterator[Collector]:
    """Yield one that listens."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(made.take(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
