"""What is written down of each request: one access line, and numbers that add up."""

from __future__ import annotations

import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_plain

from tests.e2e.conftest import Backends, Start
from tests.support.figueira import Figueira, serving
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

MARK = "hush-hush"
"""Put wherever a customer's own data may be; it must not be found in any log."""
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {
    "X-Customer-Id": f"{MARK}-id",
    "Cookie": f"session={MARK}",
    "Authorization": f"Bearer {MARK}",
    "User-Agent": f"browser-{MARK}",
    "Referer": f"http://shop.test/?{MARK}",
    "X-Forwarded-For": "198.51.100.7",
    "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01",
}
ORDER = {"prompt": f"um barco {MARK}", "size": "256x256"}
ASK = "GET {} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
REFUSED = (
    # bytes -> status, method and path of its line
    (ASK.format("/a%2"), 400, "GET", "/a%2"),
    (ASK.format("/images/..%2fproducts"), 400, "GET", "/images/..%2fproducts"),
    (f"GET /a HTTP/1.1\r\nHost: shop.test\r\nX: {MARK}\r\nX : y\r\n\r\n", 400, "GET", "/a"),
    (f"BREW /{MARK} HTTP/1.1\r\nHost: shop.test\r\n\r\n", 501, "", ""),
)
_ALWAYS = {"time", "method", "path", "status", "duration_ms", "client", "protocol"}


def _raw(figueira: Figueira, request: str) -> int:
    """Send bytes on a connection of their own; return the status."""
    with socket.create_connection(("127.0.0.1", figueira.port), timeout=20) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split()[1])


def test_a_moved_access_log_is_opened_anew_at_a_hang_up_and_no_line_is_lost(start: Start) -> None:
    """As logrotate does it; a place that cannot be opened is said, and lines go where they went."""
    with start() as figueira, httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        log = figueira.access_log
        moved = [log.with_name(f"access.log.{number}") for number in (1, 2)]
        asked = 0
        for target in moved:
            asked += _ask_both_workers(figueira, shop)
            log.rename(target)
            if target is moved[1]:
                log.mkdir()
            figueira.process.send(signal.SIGHUP)
            if target is moved[0]:
                eventually(log.exists, "a new access log")
        eventually(lambda: len(figueira.events("access_log_failed")) == 2, "both workers' word")
        asked += _ask_both_workers(figueira, shop)
        assert figueira.stop() == 0
        assert sum(len(path.read_text().splitlines()) for path in moved) == asked
        assert f"access log {log}: Is a directory;" in figueira.events("access_log_failed")[0]


def _ask_both_workers(figueira: Figueira, shop: httpx.Client) -> int:
    """Ask, each time on a new connection, which workers take in turn; how often."""
    for _ in range(8):
        assert shop.get("/products", headers={"Connection": "close"}).status_code == 200
    figueira.wait_until_whole()
    return 8


def test_promise_8_each_request_is_one_line_without_the_customers_data(start: Start) -> None:
    """Route, backend, reason, bucket and revision are told; no query, no header, no body."""
    with start() as figueira:
        revision = figueira.flip(100).revision
        with httpx.Client(base_url=figueira.url, headers=HEADERS, trust_env=False) as shop:
            shop.get(f"/products?token={MARK}")
            image = shop.post(f"/images?token={MARK}", json=ORDER).json()
            shop.get(f"/images/{image['id']}/file?token={MARK}")
            shop.get("/images")
        for request, status, _, _ in REFUSED:
            assert _raw(figueira, request) == status
        assert figueira.stop() == 0
        lines = figueira.access_lines()
        assert MARK not in figueira.access_log.read_text()
        assert not any(MARK in line for line in figueira.process.stderr)

    # Each worker writes its own lines in order: the four of one connection, the others' anywhere.
    served = [line for line in lines if "route" in line]
    refused = [line for line in lines if "route" not in line]
    told = ("method", "path", "status", "route", "backend", "reason", "client", "trace_id")
    assert [tuple(line[key] for key in told) for line in served] == [
        (*what, *who, "198.51.100.7", TRACE_ID)
        for what, who in (
            (("GET", "/products", 200), ("monolith", "legacy", "backend")),
            (("POST", "/images", 200), ("images", "image_service", "sticky")),
            (
                ("GET", f"/images/{image['id']}/file", 200),
                ("images", "image_service", "owner"),
            ),
            (("GET", "/images", 200), ("images", "legacy+image_service", "owner_list")),
        )
    ]
    assert {line["revision"] for line in served} == {revision}
    assert [line.get("bucket") is not None for line in served] == [False, True, False, False]
    assert sorted((line["status"], line["method"], line["path"]) for line in refused) == sorted(
        (status, method, path) for _, status, method, path in REFUSED
    )
    for line in lines:
        assert line.keys() >= _ALWAYS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)", line["time"])
        assert 0 <= line["duration_ms"] < 60_000


def test_the_metrics_count_every_request_once_whoever_dies(start: Start) -> None:
    """Requests by class and by reason, durations and refusals add up to what was sent.

    What a worker counted in its last quarter of a second dies with it: here all has been
    reported before anything is killed. What dead workers had counted outlives control too.
    """
    with start() as figueira:
        sent = _send(figueira, 30)
        _wait_until_counted(figueira, sent)
        for victims in (("worker",), ("control",), ("worker", "control")):
            gone = [_kill_one(figueira, victim) for victim in victims]
            figueira.wait_until_whole(without=gone)
            _wait_until_counted(figueira, sent)
            sent += _send(figueira, 10)
            _wait_until_counted(figueira, sent)
        samples = figueira.samples()
        assert sum(_of(samples, "figueira_decisions_total")) == sent["forwarded"]
        assert sum(_of(samples, "figueira_request_duration_seconds_count")) == sent["forwarded"]
        assert samples['figueira_refused_total{status="400"}'] == sent["refused"]
        assert samples["figueira_access_lines_dropped_total"] == 0


def _kill_one(figueira: Figueira, victim: str) -> int:
    """Kill control, or a worker and wait until control has noticed; return the process id."""
    status = figueira.status()
    if victim == "control":
        pid = status["control"]["pid"]
        figueira.kill(pid)
    else:
        pid = status["workers"][0]["pid"]
        figueira.kill(pid)
        eventually(lambda: figueira.status()["workers"][0]["pid"] != pid, "a lost worker")
    return int(pid)


def _send(figueira: Figueira, count: int) -> Counter[str]:
    """Send requests of which one in five is refused; return how many there were of each kind."""
    sent: Counter[str] = Counter()
    with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        for number in range(count):
            is_bad = number % 5 == 4
            answer = shop.get("/a%2" if is_bad else "/products")
            assert answer.status_code == (400 if is_bad else 200)
            sent["refused" if is_bad else "forwarded"] += 1
    return sent


def _of(samples: dict[str, float], metric: str) -> list[float]:
    return [value for name, value in samples.items() if name.partition("{")[0] == metric]


def _wait_until_counted(figueira: Figueira, sent: Counter[str]) -> None:
    """Wait until the totals are what was sent; they must never be more."""

    def look() -> bool:
        counted = figueira.answered()
        assert counted <= sent.total()
        return counted == sent.total()

    eventually(look, f"{sent} requests counted")


@pytest.fixture(scope="module")
def figueira(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Figueira]:
    """One gateway for all who only ask it for something."""
    with serving(tmp_path_factory.mktemp("records"), **backends.settings) as figueira:
        yield figueira


def test_metrics_are_written_in_both_formats_that_prometheus_reads(figueira: Figueira) -> None:
    """Plain text, and OpenMetrics for those that ask for it."""
    plain = figueira.admin.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert figueira.samples()["figueira_workers"] == 2
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    openmetrics = figueira.admin.get("/metrics", headers=accept)
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    families = read_openmetrics(openmetrics.text)  # type: ignore[no-untyped-call] # of the library
    assert [family.name for family in families] == [
        family.name for family in read_plain(plain.text)
    ]


def test_customers_and_operators_have_ports_of_their_own(figueira: Figueira) -> None:
    """No admin page can be asked for on the customers' port, nor the other way round."""
    with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        for page in ("/readyz", "/livez", "/metrics", "/api/status"):
            assert shop.get(page).status_code == 404
            assert figueira.admin.get(page).status_code == 200
        assert figueira.admin.get("/products").status_code == 404
        assert "figueira" not in shop.get("/readyz").text.lower()
