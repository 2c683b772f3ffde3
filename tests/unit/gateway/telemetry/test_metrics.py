"""What a scraper reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from gateway.errors import Cause, Source, Stage
from gateway.telemetry.arrivals import Arrivals
from gateway.telemetry.counters import Counters, LaneCounters
from gateway.telemetry.exposition import render
from gateway.telemetry.metric import Facts
from gateway.telemetry.metrics import METRICS
from gateway.telemetry.upstreams import AddressCounts

DOCS = Path(__file__).parents[4] / "docs" / "metrics.md"
FACTS = Facts(
    revision=7,
    last_reload_successful=False,
    reload_failures=2,
    workers=4,
    worker_restarts=1,
    weights={"images": {"image_service": 0.125, "legacy": 99.875}},
    control_restarts=3,
    uptime_s=12.5,
    spooled_bytes=131_072,
    spool_limit_bytes=536_870_912,
    trial_bytes=262_144,
    spool_refused={"full": 2, "slow": 0, "disk": 1},
    certificate_ends_s=1_800_000_000.0,
    probed_ill={"image_service": {"127.0.0.1:8002": True, "[::1]:8002": False}},
)
OPENMETRICS = "application/openmetrics-text"


def _busy() -> Counters:
    lane = LaneCounters("images", "legacy", bytes_in=10, bytes_out=2000, retries=3)
    lane.count(200, "split", 0.005, "")
    lane.resent("fallback")
    lane.move("probes")
    lane.soft(404)
    lane.count(201, "owner", 0.3, "")
    lane.count(502, "split", 61.0, "connect:refused:upstream")
    return Counters(
        lanes=[lane, LaneCounters("monolith", "legacy", retries=1)],
        refused={"400": 5},
        client_connections=12,
        upstream_connections={"legacy": 3},
        upstreams={
            "legacy": {
                "[::1]:8001": AddressCounts(ejected=2),
                "unix:/run/shop.sock": AddressCounts(),
            }
        },
        upstream_in_flight={"legacy": 7},
        service={"legacy": {"in": 2}, "image_service": {"out:breaker": 1, "in": 1}},
        breaker_opened={"image_service": 3},
        access_lines_dropped=9,
        arrivals=Arrivals(
            limit=20, full=1, full_s=2.5, handshakes_failed={"plain_http": 4, "timeout": 1}
        ),
    )


def _parse_strictly(body: bytes) -> dict[str, Metric]:
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call] # of the library
    return {family.name: family for family in families}


def _scrape(counters: Counters, facts: Facts = FACTS) -> dict[str, Metric]:
    body, _ = render(counters, facts, "")
    return {family.name: family for family in parse_plain(body.decode())}


def _value(name: str, **labels: str) -> float:
    body, _ = render(_busy(), FACTS, "")
    (value,) = (
        sample.value
        for family in parse_plain(body.decode())
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
    return value


LANE = {"route": "images", "backend": "legacy"}


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("figueira_requests_total", {**LANE, "status_class": "2xx"}, 2),
        ("figueira_requests_total", {**LANE, "status_class": "4xx"}, 0),
        ("figueira_requests_total", {**LANE, "status_class": "5xx"}, 1),
        ("figueira_decisions_total", {**LANE, "reason": "split"}, 2),
        ("figueira_decisions_total", {**LANE, "reason": "owner"}, 1),
        ("figueira_request_duration_seconds_bucket", {**LANE, "le": "0.005"}, 1),
        ("figueira_request_duration_seconds_bucket", {**LANE, "le": "0.25"}, 1),
        ("figueira_request_duration_seconds_bucket", {**LANE, "le": "0.5"}, 2),
        ("figueira_request_duration_seconds_bucket", {**LANE, "le": "60.0"}, 2),
        ("figueira_request_duration_seconds_bucket", {**LANE, "le": "+Inf"}, 3),
        ("figueira_request_duration_seconds_count", LANE, 3),
        ("figueira_request_duration_seconds_sum", LANE, pytest.approx(61.305)),
        (
            "figueira_upstream_errors_total",
            {**LANE, "stage": "connect", "cause": "refused", "side": "upstream"},
            1,
        ),
        ("figueira_retries_total", {}, 4),
        ("figueira_bytes_total", {**LANE, "direction": "in"}, 10),
        ("figueira_bytes_total", {**LANE, "direction": "out"}, 2000),
        ("figueira_refused_total", {"status": "400"}, 5),
        ("figueira_client_connections", {}, 12),
        ("figueira_client_connections_limit", {}, 20),
        ("figueira_tls_handshakes_failed_total", {"cause": "plain_http"}, 4),
        ("figueira_tls_certificate_expiry_timestamp_seconds", {}, 1_800_000_000),
        ("figueira_client_connections_full_seconds_total", {}, 2.5),
        ("figueira_upstream_connections", {"backend": "legacy"}, 3),
        ("figueira_upstream_addresses_ejected", {"backend": "legacy", "address": "[::1]:8001"}, 2),
        (
            "figueira_upstream_addresses_ejected",
            {"backend": "legacy", "address": "unix:/run/shop.sock"},
            0,
        ),
        ("figueira_resends_total", {**LANE, "reason": "fallback"}, 1),
        ("figueira_moved_total", {**LANE, "why": "probes"}, 1),
        ("figueira_soft_errors_total", {**LANE, "counts_as": "404"}, 1),
        ("figueira_upstream_in_flight", {"backend": "legacy"}, 7),
        ("figueira_backend_service", {"backend": "legacy", "service": "in", "why": ""}, 2),
        (
            "figueira_backend_service",
            {"backend": "image_service", "service": "out", "why": "breaker"},
            1,
        ),
        (
            "figueira_backend_probe_ill",
            {"backend": "image_service", "address": "127.0.0.1:8002"},
            1,
        ),
        ("figueira_backend_probe_ill", {"backend": "image_service", "address": "[::1]:8002"}, 0),
        ("figueira_breaker_opened_total", {"backend": "image_service"}, 3),
        ("figueira_access_lines_dropped_total", {}, 9),
        ("figueira_config_revision", {}, 7),
        ("figueira_config_last_reload_successful", {}, 0),
        ("figueira_config_reload_failures_total", {}, 2),
        ("figueira_workers", {}, 4),
        ("figueira_worker_restarts_total", {}, 1),
        ("figueira_control_restarts_total", {}, 3),
        ("figueira_uptime_seconds", {}, 12.5),
        ("figueira_route_weight_percent", {"route": "images", "backend": "image_service"}, 0.125),
    ],
)
def test_a_sample_says_what_was_counted(name: str, labels: dict[str, str], expected: float) -> None:
    assert _value(name, **labels) == expected


def test_a_gateway_without_traffic_exposes_every_metric_of_the_table() -> None:
    """So that an alert on a metric finds it from the first scrape."""
    names = {metric.name.removesuffix("_total") for metric in METRICS}
    assert set(_scrape(Counters())) == names


def test_every_error_that_can_be_counted_has_three_labels() -> None:
    errors = [
        f"{stage.value}:{cause.value}:{source.value}"
        for stage in Stage
        for cause in Cause
        for source in Source
    ]
    counters = Counters(lanes=[LaneCounters("r", "b", errors=dict.fromkeys(errors, 1))])
    samples = _scrape(counters)["figueira_upstream_errors"].samples
    assert [
        f"{s.labels['stage']}:{s.labels['cause']}:{s.labels['side']}" for s in samples
    ] == errors


@given(name=st.text(st.characters(exclude_categories=["Cs"])))
def test_names_are_escaped_so_that_a_scraper_reads_them_back(name: str) -> None:
    body, _ = render(Counters(upstream_connections={name: 1}), FACTS, OPENMETRICS)
    (sample,) = _parse_strictly(body)["figueira_upstream_connections"].samples
    assert sample.labels == {"backend": name}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        pytest.param("", "text/plain; version=0.0.4; charset=utf-8", id="nothing"),
        pytest.param("*/*", "text/plain; version=0.0.4; charset=utf-8", id="anything"),
        pytest.param(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            id="prometheus",
        ),
        pytest.param(
            "application/openmetrics-text; version=9.evil",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            id="nothing-of-the-header-comes-back",
        ),
        pytest.param("text/html, ;;=,", "text/plain; version=0.0.4; charset=utf-8", id="junk"),
    ],
)
def test_the_format_is_what_the_scraper_reads(accept: str, content_type: str) -> None:
    body, written_as = render(_busy(), FACTS, accept)
    assert written_as == content_type
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)


def test_a_strict_openmetrics_parser_accepts_the_exposition() -> None:
    body, _ = render(_busy(), FACTS, OPENMETRICS)
    assert len(_parse_strictly(body)) == len(METRICS)


def _documented() -> dict[str, tuple[str, ...]]:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def test_the_reference_lists_every_metric_with_its_labels_and_no_other() -> None:
    assert _documented() == {metric.name: metric.labels for metric in METRICS}


def test_the_reference_names_every_word_that_an_errors_labels_can_have() -> None:
    """And none that no code can write."""
    [row] = re.findall(r"(?m)^\| `figueira_upstream_errors_total` .*$", DOCS.read_text("utf-8"))
    told = set(re.findall(r"`(\w+)`", row.split("|")[3]))
    assert told == {word.value for kind in (Stage, Cause, Source) for word in kind}
