"""Every metric in one table.

Labels are bounded: they hold names of routes.yaml and words of the gateway's own, never anything
that a customer sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from gateway.telemetry.counters import LATENCY_BOUNDS_S, Counters, status_classes
from gateway.telemetry.metric import Buckets, Facts, HistogramMetric, Labels, NumberMetric
from gateway.telemetry.trial_metrics import TRIAL_METRICS

_BOUNDS = (*map(str, LATENCY_BOUNDS_S), "+Inf")


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


def _resends(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for reason, count in lane.resends.items():
            yield (lane.route, lane.backend, reason), count


def _moves(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for why, count in lane.moves.items():
            yield (lane.route, lane.backend, why), count


def _in_flight(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((backend,), count) for backend, count in counters.upstream_in_flight.items())


def _service(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for backend, said in counters.service.items():
        for text, workers in said.items():
            service, _, why = text.partition(":")
            yield (backend, service, why), workers


def _breaker_opened(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((backend,), count) for backend, count in counters.breaker_opened.items())


def _probes(_counters: Counters, facts: Facts) -> Iterator[tuple[Labels, float]]:
    for backend, addresses in facts.probed_ill.items():
        for address, is_ill in addresses.items():
            yield (backend, address), is_ill


def _soft_errors(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        for status, count in lane.soft_errors.items():
            yield (lane.route, lane.backend, status), count


def _bytes(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for lane in counters.lanes:
        yield (lane.route, lane.backend, "in"), lane.bytes_in
        yield (lane.route, lane.backend, "out"), lane.bytes_out


def _refused(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((status,), count) for status, count in counters.refused.items())


def _handshakes_failed(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((cause,), count) for cause, count in counters.arrivals.handshakes_failed.items())


def _certificate_end(_counters: Counters, facts: Facts) -> Iterator[tuple[Labels, float]]:
    if facts.certificate_ends_s is not None:
        yield (), facts.certificate_ends_s


def _upstream_connections(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    return (((backend,), count) for backend, count in counters.upstream_connections.items())


def _addresses_ejected(counters: Counters, _facts: Facts) -> Iterator[tuple[Labels, float]]:
    for backend, addresses in counters.upstreams.items():
        for address, counts in addresses.items():
            yield (backend, address), counts.ejected


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
        name="figueira_resends_total",
        kind="counter",
        help="Requests for which another backend was asked as well as this one, as declared.",
        labels=("route", "backend", "reason"),
        read=_resends,
    ),
    NumberMetric(
        name="figueira_soft_errors_total",
        kind="counter",
        help="Answers that counted as another status than they said.",
        labels=("route", "backend", "counts_as"),
        read=_soft_errors,
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
        name="figueira_client_connections_limit",
        kind="gauge",
        help="Connections from customers that may be open at a time.",
        read=_alone(lambda counters, _: counters.arrivals.limit),
    ),
    NumberMetric(
        name="figueira_client_connections_full_seconds_total",
        kind="counter",
        help="Time that workers had all the connections they may have, added up.",
        read=_alone(lambda counters, _: counters.arrivals.full_s),
    ),
    NumberMetric(
        name="figueira_tls_handshakes_failed_total",
        kind="counter",
        help="Connections from customers on which TLS did not come about, by why.",
        labels=("cause",),
        read=_handshakes_failed,
    ),
    NumberMetric(
        name="figueira_tls_certificate_expiry_timestamp_seconds",
        kind="gauge",
        help="When the certificate that customers are shown is over; nothing for plain HTTP.",
        read=_certificate_end,
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
        help="Workers that leave this address of a backend out now, as requests to it fail.",
        labels=("backend", "address"),
        read=_addresses_ejected,
    ),
    NumberMetric(
        name="figueira_upstream_in_flight",
        kind="gauge",
        help="Requests under way at a backend now, those that wait for a connection included.",
        labels=("backend",),
        read=_in_flight,
    ),
    NumberMetric(
        name="figueira_backend_service",
        kind="gauge",
        help="Workers by how far a backend is in service with them, and why not.",
        labels=("backend", "service", "why"),
        read=_service,
    ),
    NumberMetric(
        name="figueira_backend_probe_ill",
        kind="gauge",
        help="1 if probes of this address of a backend fail, 0 if they succeed.",
        labels=("backend", "address"),
        read=_probes,
    ),
    NumberMetric(
        name="figueira_breaker_opened_total",
        kind="counter",
        help="Times that a worker's breaker for a backend has opened.",
        labels=("backend",),
        read=_breaker_opened,
    ),
    NumberMetric(
        name="figueira_moved_total",
        kind="counter",
        help="New work that another backend got, as this one was out of service.",
        labels=("route", "backend", "why"),
        read=_moves,
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
        name="figueira_control_restarts_total",
        kind="counter",
        help="Times that control died and was replaced.",
        read=_alone(lambda _, facts: facts.control_restarts),
    ),
    NumberMetric(
        name="figueira_uptime_seconds",
        kind="gauge",
        help="Since the gateway was started, however often its parts were replaced.",
        read=_alone(lambda _, facts: facts.uptime_s),
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
    *TRIAL_METRICS,
)
