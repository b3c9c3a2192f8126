"""The vital signs by HTTP: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for whoever restarts and waits."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.runtime.http import Address, listen
from pipeline.runtime.vitals import metrics
from pipeline.runtime.vitals.figures import Distribution, Figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric as Family
    from starlette.requests import Request

    from pipeline.runtime.vitals.vitals import Vitals

logger = logging.getLogger(__name__)

WHERE: Final = "METRICS_HOST, METRICS_PORT"
UNAVAILABLE: Final = 503


@contextmanager
def listening(vitals: Vitals, host: str, port: int) -> Iterator[str]:
    """Serve the vital signs for the time of the block, which is told the address.

    Raises:
        CannotListenError: nobody can listen there.

    """
    server = listen(Address(host, port, WHERE), application(vitals))
    logger.info("figures and health are at %s", server.address)
    try:
        yield server.address
    finally:
        server.end()


def application(vitals: Vitals) -> Starlette:
    """Return what answers."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_OurCollector(vitals))

    def figures(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    def healthz(_: Request) -> Response:
        body = {"service": vitals.service, "silent_seconds": round(vitals.silent_seconds(), 1)}
        return JSONResponse({"alive": vitals.alive, **body}, 200 if vitals.alive else UNAVAILABLE)

    def readyz(_: Request) -> Response:
        why = vitals.why_not_ready()
        body = {"ready": not why, "service": vitals.service, **({"why": why} if why else {})}
        return JSONResponse(body, UNAVAILABLE if why else 200)

    return Starlette(routes=[Route("/metrics", figures), Route("/healthz", healthz), Route("/readyz", readyz)])


class _OurCollector(Collector):
    """Hands the figures of now to Prometheus' client."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterable[Family]:
        """Return a family for each metric that has figures, in the order of the registry."""
        by_metric: dict[metrics.Metric, list[Figure]] = {}
        for figure in self._vitals.figures():
            by_metric.setdefault(figure.metric, []).append(figure)
        return [_family(metric, by_metric[metric]) for metric in metrics.ALL if metric in by_metric]


def _family(metric: metrics.Metric, found: list[Figure]) -> Family:
    histogram = HistogramMetricFamily(metric.name, metric.told, labels=metric.labels)
    make = CounterMetricFamily if metric.kind == metrics.COUNTER else GaugeMetricFamily
    plain = make(metric.name, metric.told, labels=metric.labels)
    for one in found:
        labels = [_sayable(label) for label in one.labels]
        if isinstance(one.value, Distribution):
            histogram.add_metric(labels, buckets=one.value.cumulative(), sum_value=one.value.total)
        else:
            plain.add_metric(labels, one.value)
    return histogram if metric.kind == metrics.HISTOGRAM else plain


def _sayable(label: str) -> str:
    """Return a label in characters that have an encoding: names of rules are what somebody wrote."""
    return label.encode(errors="replace").decode()
