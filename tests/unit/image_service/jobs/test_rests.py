"""A provider that is left alone: who orders, polls, listens, waits or watches is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from image_service.contract import SIZES, Order
from image_service.errors import RateLimitError
from image_service.jobs.entries import Entry
from image_service.jobs.states import State
from image_service.orders import Wish
from image_service.providers.failover import Failover, Member
from image_service.providers.port import Rest
from tests.support.shop_orders import open_bench
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp

_ORDER = {"prompt": "praia", "size": "256x256"}
_PLAIN = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_ASYNC = {"Prefer": "respond-async"}


class _Clock:
    """Seconds, moved on by a test."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def failing(clock: _Clock, provider: FakeProvider) -> Failover:
    """The provider behind a breaker, which its next call opens for half a minute."""
    provider.failures.append(RateLimitError("status 429", retry_after_s=30.0))
    return Failover([Member(provider=provider, can_paint=lambda _: True)], monotonic=clock)


@pytest.fixture
async def resting(run_app: RunApp, failing: Failover) -> AsyncIterator[httpx.AsyncClient]:
    """A customer of a service whose provider has just said that it is busy."""
    async with _rested(run_app, failing) as client:
        yield client


@asynccontextmanager
async def _rested(run_app: RunApp, failing: Failover) -> AsyncIterator[httpx.AsyncClient]:
    async with run_app(failing, PAID) as client:
        await client.post("/images", json=_ORDER, headers=_ASYNC)
        await _until(lambda: _told(client), 1)
        yield client


async def _until(count: Callable[[], Awaitable[int]], expected: int) -> None:
    async with asyncio.timeout(5):
        while await count() != expected:
            pass


async def _told(client: httpx.AsyncClient) -> int:
    return "provider" in (await client.get("/readyz")).json()


async def _images(client: httpx.AsyncClient) -> int:
    return len((await client.get("/images")).json())


async def _job(client: httpx.AsyncClient) -> str:
    answer = await client.post("/images", json=_ORDER, headers=_ASYNC)
    return answer.headers["location"]


async def test_orders_in_the_line_use_no_attempt_up(
    resting: httpx.AsyncClient, provider: FakeProvider, failing: Failover, clock: _Clock
) -> None:
    """Then one order tries the provider, and the others follow."""
    paths = [await _job(resting) for _ in range(3)]
    await asyncio.sleep(1.2)
    assert [(await resting.get(path)).json()["attempts"] for path in paths] == [0, 0, 0]
    provider.gate.clear()
    provider.started.clear()
    clock.now_s += 31
    await asyncio.wait_for(provider.started.wait(), 5)
    await asyncio.sleep(0.7)
    assert len(provider.prompts) == 2, "one that failed, and one that tries"
    assert failing.rest == Rest(for_s=0.0, may_try=False)
    provider.gate.set()
    for path in paths:
        said = (await resting.get(path, headers={"Prefer": "wait=10"})).json()
        assert (said["status"], said["attempts"]) == ("succeeded", 1)
    assert "provider" not in (await resting.get("/readyz")).json()


async def test_a_poll_says_why_an_order_waits_and_until_when(resting: httpx.AsyncClient) -> None:
    path = await _job(resting)
    answer = await resting.get(path)
    said = answer.json()
    assert (said["status"], said["reason"]) == ("queued", "provider-resting")
    assert said["expected_at"] > said["created_at"]
    assert 25 <= int(answer.headers["retry-after"]) <= 31
    etag = {"If-None-Match": answer.headers["etag"]}
    assert (await resting.get(path, headers=etag)).status_code == 304


async def test_listeners_are_told_by_an_event_without_a_number(
    resting: httpx.AsyncClient, clock: _Clock
) -> None:
    path = await _job(resting)
    listening = asyncio.gather(resting.get(f"{path}/events"))
    await asyncio.sleep(0.3)
    clock.now_s += 31
    [answer] = await asyncio.wait_for(listening, 10)
    blocks = answer.text.split("\n\n")
    [first, *_] = [block for block in blocks if block.startswith("event: waiting")]
    assert '"reason": "provider-resting"' in first
    assert "id:" not in first
    assert "event: completed" in answer.text


async def test_who_waits_for_the_picture_is_told_at_once_and_nothing_is_taken(
    resting: httpx.AsyncClient,
) -> None:
    before = (await resting.get("/images")).json()
    answer = await asyncio.wait_for(resting.post("/images", json=_ORDER), 2)
    assert answer.status_code == 503
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert (await resting.get("/images")).json() == before


async def test_who_waits_already_gets_the_order_back_and_may_place_it_again(
    run_app: RunApp, provider: FakeProvider, failing: Failover, clock: _Clock
) -> None:
    """Its key is free, its money is not reserved, and the picture is bought once."""
    provider.failures.append(RateLimitError("status 429", retry_after_s=30.0))
    provider.gate.clear()
    key = {"Idempotency-Key": "order-7"}
    async with run_app(failing, PAID, {"IMAGE_CUSTOMER_BUDGET_USD": "0.6"}) as client:
        # Both hands of the test's settings are taken, and the provider refuses both.
        for _ in range(2):
            await _job(client)
        waiting = asyncio.gather(client.post("/images", json=_ORDER, headers=key))
        await _until(lambda: _images(client), 3)
        provider.gate.set()
        [answer] = await asyncio.wait_for(waiting, 5)
        assert answer.status_code == 503
        assert 25 <= int(answer.headers["retry-after"]) <= 30
        clock.now_s += 31
        await _until(lambda: _told(client), 0)
        again = await asyncio.wait_for(client.post("/images", json=_ORDER, headers=key), 10)
        assert (again.status_code, again.json()["status"]) == (200, "pronta")
    assert len(provider.prompts) == 3


async def test_who_waits_some_seconds_gets_the_job_without_waiting_in_vain(
    resting: httpx.AsyncClient,
) -> None:
    headers = {"Prefer": "wait=20"}
    answer = await asyncio.wait_for(resting.post("/images", json=_ORDER, headers=headers), 3)
    assert (answer.status_code, answer.json()["reason"]) == (202, "provider-resting")
    assert 20 <= int(answer.headers["retry-after"]) <= 31


async def test_an_order_that_cannot_be_done_before_its_deadline_is_answered_at_once(
    resting: httpx.AsyncClient,
) -> None:
    for seconds, status in (("10", 503), ("60", 202)):
        headers = {**_ASYNC, "Cancel-After": seconds}
        answer = await resting.post("/images", json=_ORDER, headers=headers)
        assert answer.status_code == status
    refused = await resting.post("/images", json=_ORDER, headers={**_ASYNC, "Cancel-After": "10"})
    assert refused.json()["code"] == "provider-unavailable"
    assert 25 <= int(refused.headers["retry-after"]) <= 30


async def test_openais_clients_are_told_when_to_come_back(resting: httpx.AsyncClient) -> None:
    order = {"prompt": "praia", "size": "256x256"}
    answer = await asyncio.wait_for(resting.post("/v1/images/generations", json=order), 3)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 25


async def test_watchers_see_it(resting: httpx.AsyncClient) -> None:
    ready = await resting.get("/readyz")
    assert (ready.status_code, ready.json()["provider"]["state"]) == (200, "resting")
    scraped = (await resting.get("/metrics")).text
    [line] = [
        each for each in scraped.splitlines() if each.startswith("figueira_images_provider_r")
    ]
    assert 25 <= float(line.split()[1]) <= 30


async def test_a_service_without_a_worker_knows_it_from_the_table(
    run_app: RunApp, failing: Failover
) -> None:
    async with (
        _rested(run_app, failing),
        run_app(FakeProvider(), PAID, {"IMAGE_WORKER": "off"}) as front,
    ):
        await _until(lambda: _told(front), 1)
        assert (await front.get(await _job(front))).json()["reason"] == "provider-resting"


async def test_a_short_wait_of_ones_own_order_is_waited_for(
    run_app: RunApp, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No provider rests; also a client that listens to a stream gets its picture."""
    monkeypatch.setattr("image_service.jobs.states._FIRST_WAIT_S", 0.3)
    async with run_app(provider, PAID) as client:
        for stream in (False, True):
            provider.failures.append(RateLimitError("status 429"))
            order = {"prompt": "praia", "size": "256x256", "stream": stream}
            answer = await client.post("/v1/images/generations", json=order)
            assert answer.status_code == 200
            assert "b64_json" in answer.text


def _copy(database: Path, folder: Path) -> str:
    path = folder / "copy.db"
    path.write_bytes(database.read_bytes())
    return f"sqlite+aiosqlite:///{path}"


async def test_a_database_that_fails_as_an_order_is_to_try_the_provider_stops_nobody(
    empty_database: Path, tmp_path: Path, failing: Failover, clock: _Clock
) -> None:
    """The next look lets another try."""
    url = _copy(empty_database, tmp_path)
    async with open_bench(url, provider=failing, prices=PAID) as bench:
        bench.workshop.start()
        await bench.orders.submit(Wish(order=_PLAIN, customer="c:1"))
        async with asyncio.timeout(5):
            while failing.rest is None:
                await bench.workshop.rests.look()
        claims = bench.workshop.engine._claims
        claim_next, failures = claims.claim_next, iter([OSError("away")])

        async def fail_once(name: str, *, limit: int) -> list[Entry]:
            for failure in failures:
                raise failure
            return await claim_next(name, limit=limit)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(claims, "claim_next", fail_once)
            receipt = await bench.orders.submit(Wish(order=_PLAIN, customer="c:1"))
            clock.now_s += 31
            entry = await bench.orders.wait(receipt.job_id, timeout_s=10)
    assert entry is not None
    assert entry.job.state is State.SUCCEEDED
    assert next(failures, None) is None
