"""A trace and a request's name go with an order to whoever calls the provider, on every way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.conformance.jobs.killing import FINAL, Crew, crew, settings_for
from tests.support.fake_openai import FakeOpenAI

_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
_SPAN_ID = "b7ad6b7169203331"
_TRACE = {"traceparent": f"00-{_TRACE_ID}-{_SPAN_ID}-01", "X-Request-Id": "order-7"}
_FORM = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")
_PATIENCE_S = 30.0
_TIMING = re.compile(r"queue;dur=([0-9.]+), provider;dur=([0-9.]+), store;dur=([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A service whose pictures are made in its own process, or in a worker's."""

    fake: FakeOpenAI
    team: Crew
    url: str


@pytest.fixture(scope="module", params=["own process", "worker"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """Each of the two."""
    tmp_path = tmp_path_factory.mktemp("shop")
    with FakeOpenAI(delay_s=0.2) as fake, ExitStack() as stack:
        settings = settings_for(f"sqlite+aiosqlite:///{tmp_path}/images.db", tmp_path, fake)
        if request.param == "worker":
            settings |= {"IMAGE_WORKER": "off"}
        team = crew(stack, settings, tmp_path)
        team.start()
        if request.param == "worker":
            team.start_worker("worker")
        yield Shop(fake=fake, team=team, url=f"http://127.0.0.1:{team.serving[0]}")


@pytest.fixture
def shop(opened: Shop) -> Shop:
    """The same, with an empty book."""
    opened.fake.reset()
    return opened


async def _whole(client: httpx.AsyncClient, path: str, **body: object) -> httpx.Response:
    return await client.post(path, json={"prompt": "marker=m1", **body}, headers=_TRACE)


async def _as_job(client: httpx.AsyncClient) -> httpx.Response:
    headers = _TRACE | {"Prefer": "respond-async"}
    taken = await client.post("/images", json={"prompt": "marker=m1"}, headers=headers)
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            job = await client.get(taken.headers["location"], headers={"Prefer": "wait=5"})
            if job.json()["status"] in FINAL:
                assert job.json()["status"] == "succeeded"
                return job


_GENERATIONS = "/v1/images/generations"
_WAYS: dict[str, Callable[[httpx.AsyncClient], Coroutine[None, None, httpx.Response]]] = {
    "the monolith's": lambda client: _whole(client, "/images"),
    "a job": _as_job,
    "OpenAI's": lambda client: _whole(client, _GENERATIONS),
    "OpenAI's stream": lambda client: _whole(client, _GENERATIONS, stream=True),
    "OpenAI's stream with partials": lambda client: _whole(
        client, _GENERATIONS, stream=True, partial_images=2
    ),
}


@pytest.mark.parametrize("way", _WAYS)
async def test_the_provider_is_called_within_the_customers_trace(shop: Shop, way: str) -> None:
    async with httpx.AsyncClient(base_url=shop.url, timeout=_PATIENCE_S) as client:
        answer = await _WAYS[way](client)
    assert answer.status_code == 200
    [received] = shop.fake.received()
    found = _FORM.fullmatch(received.headers["traceparent"])
    assert found is not None
    trace_id, span_id, flags = found.groups()
    assert (trace_id, flags) == (_TRACE_ID, "01")
    assert span_id != _SPAN_ID
    if way != "a job":
        assert answer.headers["x-request-id"] == "order-7"
    if "stream" in way:
        return
    timing = _TIMING.fullmatch(answer.headers["server-timing"])
    assert timing is not None
    assert float(timing[2]) >= 200, "the provider alone takes that long"


async def test_each_repetition_of_a_call_belongs_to_the_trace(shop: Shop) -> None:
    shop.fake.script("m1", "rate-limit-50ms", "overloaded", "ok")
    async with httpx.AsyncClient(base_url=shop.url, timeout=_PATIENCE_S) as client:
        await _whole(client, "/images")
    traces = [each.headers["traceparent"].split("-")[1] for each in shop.fake.received()]
    assert traces == [_TRACE_ID] * 3


@pytest.mark.parametrize("malformed", ["", "x", f"00-{'0' * 32}-{_SPAN_ID}-01", "00-" + "é" * 9])
async def test_a_malformed_trace_is_not_passed_on_and_another_begins(
    shop: Shop, malformed: str
) -> None:
    async with httpx.AsyncClient(base_url=shop.url, timeout=_PATIENCE_S) as client:
        headers = {b"traceparent": malformed.encode("latin-1")}
        await client.post("/images", json={"prompt": "marker=m1"}, headers=headers)
    [received] = shop.fake.received()
    found = _FORM.fullmatch(received.headers["traceparent"])
    assert found is not None
    assert found[1] != "0" * 32


async def test_a_worker_tells_of_a_failure_under_the_name_of_the_request(shop: Shop) -> None:
    shop.fake.script("m1", "error-500")
    async with httpx.AsyncClient(base_url=shop.url, timeout=_PATIENCE_S) as client:
        headers = _TRACE | {"Prefer": "wait=20"}
        answer = await client.post("/images", json={"prompt": "marker=m1"}, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "provider-unavailable")
    assert (problem["outcome"], problem["retryable"]) == ("unknown", False)
    assert "second" in problem["detail"]
    assert problem["request_id"] == "order-7"
    name = "worker" if "worker" in shop.team.processes else next(iter(shop.team.processes))
    await asyncio.to_thread(
        shop.team.processes[name].wait_for_line, r".* job_failed job=\S+ kind=.* request=order-7"
    )


async def test_a_replay_waited_for_nothing(shop: Shop) -> None:
    key = {"Idempotency-Key": "a"}
    async with httpx.AsyncClient(base_url=shop.url, timeout=_PATIENCE_S) as client:
        for path in ("/images", _GENERATIONS):
            body = {"prompt": f"marker={path}"}
            first = await client.post(path, json=body, headers=key | {"X-Customer-Id": path})
            again = await client.post(path, json=body, headers=key | {"X-Customer-Id": path})
            assert again.headers["idempotency-replayed"] == "true"
            assert "server-timing" in first.headers
            assert "server-timing" not in again.headers
