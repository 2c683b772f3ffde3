"""The pages, asked as a client asks them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.admin.app import create_app
from gateway.admin.view import Check, Status
from gateway.telemetry.counters import Counters, LaneCounters
from tests.unit.gateway.admin.fake_view import PROBLEM, FakeView, status, worker

PAGES = ["/", "/livez", "/readyz", "/healthz", "/metrics", "/api/status"]
REFUSED = [
    pytest.param("GET", "/nothing", {}, 404, id="unknown"),
    pytest.param("GET", "/livez/", {}, 404, id="slash"),
    pytest.param("GET", "/api/status/%0d%0aX: y", {}, 404, id="junk"),
    pytest.param("POST", "/api/status", {}, 405, id="post"),
    pytest.param("GET", "/livez", {"Host": "evil.example"}, 421, id="host"),
    pytest.param("GET", "/livez", {"Content-Length": "65537"}, 413, id="length"),
]


def _client(view: FakeView, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(view, **options), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9000")


async def _get(view: FakeView, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with _client(view) as client:
        return await client.get(path, headers=headers)


def _address(address: str, probe: str = "", detail: str = "") -> dict[str, object]:
    return {
        "address": address,
        "ejected_by": 0,
        "failures": 0,
        "idle": 0,
        "in_use": 0,
        "probe": probe,
        "probe_detail": detail,
        "probe_since": None,
    }


def _worker(index: int, pid: int, restarts: int) -> dict[str, object]:
    return {
        "index": index,
        "pid": pid,
        "alive": True,
        "revision": 7,
        "restarts": restarts,
        "connections": 0,
        "connections_limit": 0,
    }


async def test_livez_answers_without_looking_at_anything() -> None:
    view = FakeView(now=status(workers=[], draining=True))
    answer = await _get(view, "/livez")
    assert (answer.status_code, answer.text, view.asked) == (200, "ok", [])


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(status(), 200, id="all-well"),
        pytest.param(status(problems=[PROBLEM]), 200, id="bad-routes-yaml"),
        pytest.param(status(workers=[]), 503, id="no-worker"),
        pytest.param(status(draining=True), 503, id="draining"),
    ],
)
async def test_readyz_tells_a_balancer_what_to_do(path: str, now: Status, expected: int) -> None:
    """A dead backend or a bad routes.yaml never takes the whole gateway out of service."""
    dead = Check(name="backend:legacy", ok=False, detail="refused")
    answer = await _get(FakeView(now=now, informing=[dead]), path)
    assert answer.status_code == expected


async def test_readyz_says_ok_and_no_more_unless_asked() -> None:
    assert (await _get(FakeView(), "/readyz")).text == "ok"


@pytest.mark.parametrize("query", ["?verbose", "?verbose=1", "?x=y&verbose"])
async def test_readyz_lists_its_checks_when_asked(query: str) -> None:
    answer = await _get(FakeView(informing=[Check(name="config", ok=True)]), f"/readyz{query}")
    assert "[+]config ok\n" in answer.text
    assert answer.text.endswith("readyz check passed\n")


async def test_readyz_says_why_not_without_being_asked() -> None:
    answer = await _get(FakeView(now=status(draining=True)), "/readyz")
    assert "[-]serving failed: draining" in answer.text


async def test_metrics_hold_what_the_workers_counted_and_what_control_knows() -> None:
    view = FakeView(
        now=status(workers=[worker(0), worker(1, alive=False, restarts=3)], problems=[PROBLEM]),
        counted=Counters(lanes=[LaneCounters("images", "legacy", retries=4)]),
    )
    lines = (await _get(view, "/metrics")).text.splitlines()
    assert {
        "figueira_retries_total 4.0",
        "figueira_config_revision 7.0",
        "figueira_config_last_reload_successful 0.0",
        "figueira_config_reload_failures_total 1.0",
        "figueira_workers 1.0",
        "figueira_worker_restarts_total 3.0",
        'figueira_route_weight_percent{backend="image_service",route="images"} 5.0',
    } <= set(lines)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
async def test_metrics_come_in_the_format_the_scraper_asks_for(accept: str, expected: str) -> None:
    answer = await _get(FakeView(), "/metrics", {"Accept": accept})
    assert answer.headers.get_list("content-type") == [expected]


async def test_status_is_the_whole_state_as_json() -> None:
    answer = await _get(FakeView(now=status(problems=[PROBLEM])), "/api/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "version": "0.1.0",
        "revision": {"number": 7, "digest": "ab" * 32, "accepted_at": "2026-11-23T14:30:00Z"},
        "config": {
            "path": "routes.yaml",
            "ok": False,
            "problems": [
                {
                    "line": 14,
                    "column": 9,
                    "path": "routes[1]",
                    "message": 'unknown key "wieght"',
                    "hint": '"weight"?',
                }
            ],
            "last_try_at": "2026-11-23T14:30:00Z",
            "failures": 1,
        },
        "workers": [_worker(0, 100, 0), _worker(1, 101, 2)],
        "control": {"pid": 99, "restarts": 0, "uptime_s": 0.0},
        "routes": [{"name": "images", "backends": {"image_service": 5.0, "legacy": 95.0}}],
        "backends": [
            {
                "name": "legacy",
                "service": {"in": 2},
                "addresses": [
                    _address("127.0.0.1:8001", "ill", "status 503"),
                    _address("127.0.0.1:8011", "well"),
                    _address("127.0.0.1:8021"),
                ],
                "connections": 0,
                "breaker_opened": 0,
                "in_flight": 0,
                "fallback": "",
            }
        ],
        "draining": False,
        "uptime_s": 12.5,
        "certificate": None,
        "parallel_runs": [],
        "trial_bodies": None,
    }


async def test_the_index_names_every_page() -> None:
    index = (await _get(FakeView(), "/")).text
    assert [page for page in PAGES[1:] if page not in index and page != "/healthz"] == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
async def test_a_page_is_only_read(method: str, page: str) -> None:
    view = FakeView()
    async with _client(view) as client:
        answer = await client.request(method, page)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert view.asked == []


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_is_never_stored_nor_sniffed(page: str) -> None:
    _expect_headers(await _get(FakeView(), page))


@pytest.mark.parametrize(("method", "path", "headers", "expected"), REFUSED)
async def test_a_refusal_is_a_problem_that_repeats_nothing(
    method: str, path: str, headers: dict[str, str], expected: int
) -> None:
    async with _client(FakeView()) as client:
        answer = await client.request(method, path, headers=headers)
    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert answer.json()["status"] == expected
    assert "evil" not in answer.text
    _expect_headers(answer)


async def test_a_name_may_be_allowed() -> None:
    async with _client(FakeView(), allowed_hosts=["Gateway.Internal"]) as client:
        answer = await client.get("/livez", headers={"Host": "gateway.internal:9000"})
    assert answer.status_code == 200


@pytest.mark.parametrize("hosts", [[], [b"localhost", b"evil.example"]], ids=["none", "two"])
async def test_a_request_needs_exactly_one_host(hosts: list[bytes]) -> None:
    """Servers let both through, and two parsers may pick different ones."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/livez",
        "query_string": b"",
        "headers": [(b"host", host) for host in hosts],
    }
    await create_app(FakeView())(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_a_body_without_length_is_counted_where_it_is_read() -> None:
    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def chunks() -> Any:
        for _ in range(65):
            yield b"x" * 1024

    app = create_app(FakeView())
    app.router.routes.append(Route("/read", read, methods=["POST"]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/read", content=chunks())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_fault_of_the_gateway_is_a_problem_without_details() -> None:
    class BrokenView(FakeView):
        def status(self) -> Status:
            raise RuntimeError("database password is hunter2")

    answer = await _get(BrokenView(), "/api/status")
    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert "hunter2" not in answer.text
    _expect_headers(answer)


def _expect_headers(answer: httpx.Response) -> None:
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
