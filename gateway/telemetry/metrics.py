"""Every metric in one table, and their exposition for Prometheus.

Prometheus objects exist only while a scrape is answered. Labels are bounded: they hold names of
routes.yaml and words of the gateway's own, never anything that a customer sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.exposition import generate_latest as write_plain
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as write_openmetrics
from prometheus_client.registry import Collector

from gateway.telemetry.counters import LATENCY_BOUNDS_S, Counters, status_classes

_BOUNDS = (*map(str, LATENCY_BOUNDS_S), "+Inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What control knows beside the workers' counters."""

    revision: int
    """Of routes.yaml, the one that serves; 0 before the first."""
    last_reload_successful: bool
    """Whether the newest routes.yaml could be used."""
    reload_failures: int
    """Files refused since control started."""
    workers: int
    """Workers that are alive."""
    worker_restarts: int
    """Workers that had to be replaced since the start."""
    weights: dict[str, dict[str, float]]
    """Route -> backend -> percent, as routes.yaml says."""


Labels = tuple[str, ...]
"""Values of the labels, in the metric's order."""
Buckets = list[tuple[str, float]]
"""Upper bound as text and the count up to it, ascending, the last one ``+Inf``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberMetric:
    """A metric whose samples are single numbers."""

    name: str
    """As it is exposed: a counter ends in ``_total``."""
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()
    read: Callable[[Counters, Facts], Iterable[tuple[Labels, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramMetric:
    """A metric whose samples are distributions: buckets, and the sum of all values."""

    name: str
    kind: Literal["histogram"] = "histogram"
    help: str
    labels: tuple[str, ...]
    read: Callable[[Counters, Facts], Iterable[tuple[Labels, Buckets, float]]]


def _requests(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for status_class, count in zip(status_classes(), lane.by_class, strict=True):
            yield (lane.route, lane.backend, status_class), count


def _decisions(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for reason, count in lane.by_reason.items():
            yield (lane.route, lane.backend, reason), count


def _upstream_errors(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for error, count in lane.errors.items():
            yield (lane.route, lane.backend, *error.split(":")), count


def _bytes(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        yield (lane.route, lane.backend, "in"), lane.bytes_in
        yield (lane.route, lane.backend, "out"), lane.bytes_out


def _refused(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((status,), count) for status, count in counters.refused.items())


def _upstream_connections(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((backend,), count) for backend, count in counters.upstream_connections.items())


def _addresses_ejected(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for backend, addresses in counters.upstream_ejected.items():
        for address, workers in addresses.items():
            yield (backend, address), workers


def _customers_seen(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((each.route, each.by), each.seen) for each in counters.customers)


def _customers_on_both_sides(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((each.route, each.by), each.on_both_sides) for each in counters.customers)


def _weights(_counters: Counters, facts: Facts) -> Iterator[tuple[Labels, float]]:
    for route, weights in facts.weights.items():
        for backend, percent in weights.items():
            yield (route, backend), percent


def _durations(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, Buckets, float]]:
    for lane in counters.lanes:
        buckets: Buckets = list(zip(_BOUNDS, accumulate(lane.durations), strict=True))
        yield (lane.route, lane.backend), buckets, lane.duration_sum_s


def _alone(
    read: Callable[[Counters, Facts], float],
) -> Callable[[Counters, Facts], list[tuple[Labels, float]]]:
    """The one sample of a metric without labels."""
    return lambda counters, facts: [((), read(counters, facts))]


METRICS: tuple[NumberMetric | HistogramMetric, ...] = (
    NumberMetric(
        name="figueira_requests_total",
        kind="counter",
        help="Requests answered by a backend or in its name, by class of the status.",
        labels=("route", "backend", "status_class"),
        read=_requests,
    ),
    NumberMetric(
        name="figueira_decisions_total",
        kind="counter",
        help="Requests by who chose the backend.",
        labels=("route", "backend", "reason"),
        read=_decisions,
    ),
    HistogramMetric(
        name="figueira_request_duration_seconds",
        help="Time from a request's head read to the end of its answer.",
        labels=("route", "backend"),
        read=_durations,
    ),
    NumberMetric(
        name="figueira_upstream_errors_total",
        kind="counter",
        help="Exchanges with a backend that failed: how far they had come, why, whose doing.",
        labels=("route", "backend", "stage", "cause", "side"),
        read=_upstream_errors,
    ),
    NumberMetric(
        name="figueira_retries_total",
        kind="counter",
        help="Second attempts, made only where nothing can have happened twice.",
        read=_alone(lambda counters, _: sum(lane.retries for lane in counters.lanes)),
    ),
    NumberMetric(
        name="figueira_bytes_total",
        kind="counter",
        help="Bytes of bodies, in from customers and out to them.",
        labels=("route", "backend", "direction"),
        read=_bytes,
    ),
    NumberMetric(
        name="figueira_refused_total",
        kind="counter",
        help="Requests that the gateway answered itself, without a backend.",
        labels=("status",),
        read=_refused,
    ),
    NumberMetric(
        name="figueira_client_connections",
        kind="gauge",
        help="Connections from customers open now.",
        read=_alone(lambda counters, _: counters.client_connections),
    ),
    NumberMetric(
        name="figueira_upstream_connections",
        kind="gauge",
        help="Connections to backends open now, idle ones included.",
        labels=("backend",),
        read=_upstream_connections,
    ),
    NumberMetric(
        name="figueira_upstream_addresses_ejected",
        kind="gauge",
        help="Workers that leave this address of a backend out now, as connections to it fail.",
        labels=("backend", "address"),
        read=_addresses_ejected,
    ),
    NumberMetric(
        name="figueira_access_lines_dropped_total",
        kind="counter",
        help="Access lines lost because whoever reads the log was too slow.",
        read=_alone(lambda counters, _: counters.access_lines_dropped),
    ),
    NumberMetric(
        name="figueira_config_revision",
        kind="gauge",
        help="Number of the routes.yaml that serves; 0 before the first.",
        read=_alone(lambda _, facts: facts.revision),
    ),
    NumberMetric(
        name="figueira_config_last_reload_successful",
        kind="gauge",
        help="1 if the newest routes.yaml serves, 0 if it was refused and an older one serves.",
        read=_alone(lambda _, facts: facts.last_reload_successful),
    ),
    NumberMetric(
        name="figueira_config_reload_failures_total",
        kind="counter",
        help="Times that a routes.yaml was refused.",
        read=_alone(lambda _, facts: facts.reload_failures),
    ),
    NumberMetric(
        name="figueira_workers",
        kind="gauge",
        help="Workers that are alive.",
        read=_alone(lambda _, facts: facts.workers),
    ),
    NumberMetric(
        name="figueira_worker_restarts_total",
        kind="counter",
        help="Workers that died and were replaced.",
        read=_alone(lambda _, facts: facts.worker_restarts),
    ),
    NumberMetric(
        name="figueira_route_weight_percent",
        kind="gauge",
        help="A backend's share of a route's new work, as routes.yaml says.",
        labels=("route", "backend"),
        read=_weights,
    ),
    NumberMetric(
        name="figueira_customers_seen",
        kind="gauge",
        help="Customers with new work under this revision, by what tells them apart.",
        labels=("route", "by"),
        read=_customers_seen,
    ),
    NumberMetric(
        name="figueira_customers_on_both_sides",
        kind="gauge",
        help="Those whose new work went to more than one backend under this revision.",
        labels=("route", "by"),
        read=_customers_on_both_sides,
    ),
)


@dataclass(frozen=True, slots=True)
class _Scrape(Collector):
    """What one scrape is answered with."""

    counters: Counters
    facts: Facts

    def collect(self) -> Iterator[Metric]:
        """Every metric of the table, in its order."""
        for metric in METRICS:
            if isinstance(metric, HistogramMetric):
                yield self._histogram(metric)
            else:
                yield self._numbers(metric)

    def _histogram(self, metric: HistogramMetric) -> Metric:
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, buckets, sum_value in metric.read(self.counters, self.facts):
            family.add_metric(labels, buckets, sum_value)
        return family

    def _numbers(self, metric: NumberMetric) -> Metric:
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=metric.labels)
        for labels, value in metric.read(self.counters, self.facts):
            family.add_metric(labels, value)
        return family


def render(counters: Counters, facts: Facts, accept: str) -> tuple[bytes, str]:
    """The exposition and its Content-Type.

    Args:
        counters: The sum of all workers' counters.
        facts: What control knows beside them.
        accept: The scraper's Accept header. OpenMetrics 1.0 is written if it is named there,
            else the plain text format 0.0.4, which every scraper reads.
    """
    scrape = _Scrape(counters, facts)
    # Not the library's own negotiation: that writes words of the header into the answer's.
    media_types = {offer.partition(";")[0].strip().lower() for offer in accept.split(",")}
    if "application/openmetrics-text" in media_types:
        body: bytes = write_openmetrics(scrape)  # type: ignore[no-untyped-call] # of the library
        return body, CONTENT_TYPE_LATEST
    return write_plain(scrape), CONTENT_TYPE_PLAIN_0_0_4
