"""Clocks that are set, and machines that sleep: nobody waits longer for it, or pays twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from image_service.contract import SIZES, Order
from image_service.errors import RateLimitError
from image_service.jobs.entries import Entry
from image_service.jobs.idempotency import claim_of
from image_service.jobs.states import State
from image_service.ledger.prices import ModelPrices, Prices, TokenPrices
from image_service.orders import Wish
from image_service.providers.port import Call, Painted, Provider, Rest
from image_service.providers.procedural import render
from image_service.shared_clock import steady_clock, wall_clock
from tests.conformance.jobs.sky import Sky
from tests.conformance.jobs.test_spool import BrokenFolder
from tests.support.shop_orders import Bench, open_bench

_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_PICTURE = render("praia", 256, 256)
_PAID = Prices(
    {
        "fake": ModelPrices(
            tokens=TokenPrices(text_input=0, image_input=0, image_output=10, text_output=1),
            images={"else": {"auto": 0.2}},
        )
    }
)
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_LEASE_S = 1.0
# As long as it takes until everybody has noticed, and a lease would have run out.
_A_WHILE_S = 2 * _LEASE_S + 1.0
JUMPS = pytest.mark.parametrize("jump_s", [_HOUR_S, -_HOUR_S], ids=["forwards", "backwards"])


class _Provider:
    name = "fake"

    def __init__(self) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.failures: list[Exception] = []

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Count the call, and wait."""
        del order, call
        self.calls += 1
        self.begun.set()
        if self.failures:
            raise self.failures.pop()
        await self.gate.wait()
        return Painted(content=_PICTURE, provider=self.name)

    async def close(self) -> None:
        """Hold nothing."""


class Join(Protocol):
    """Opens one more service on the test's database."""

    async def __call__(self, provider: Provider) -> Bench:
        """It orders from `provider`."""


@pytest.fixture
def sky() -> Sky:
    return Sky()


@pytest.fixture
async def team(database_url: str, sky: Sky) -> AsyncIterator[Join]:
    """Opens services on one database, whose clock is the sky's."""
    async with AsyncExitStack() as stack:

        async def join(provider: Provider) -> Bench:
            opened = open_bench(
                database_url,
                provider=provider,
                prices=_PAID,
                changes={"IMAGE_LEASE_S": f"{_LEASE_S:g}"},
                clocks=sky.clocks(),
            )
            return await stack.enter_async_context(opened)

        yield join


async def _finished(bench: Bench, job_id: str) -> Entry:
    async with asyncio.timeout(15):
        entry = await bench.orders.wait(job_id, timeout_s=None)
    assert entry is not None
    return entry


async def _now(bench: Bench, job_id: str) -> Entry:
    entry = await bench.workshop.reading.job(job_id)
    assert entry is not None
    return entry


@JUMPS
async def test_a_worker_that_lives_keeps_its_job(team: Join, sky: Sky, jump_s: float) -> None:
    """Also where another process looks for dead ones; the picture is bought once, and arrives."""
    provider = _Provider()
    worker, other = await team(provider), await team(_Provider())
    worker.workshop.start()
    receipt = await worker.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    other.workshop.start()
    sky.set_by_s += jump_s
    await asyncio.sleep(_A_WHILE_S)
    assert (await _now(other, receipt.job_id)).job.state is State.RUNNING
    provider.gate.set()
    assert (await _finished(other, receipt.job_id)).job.state is State.SUCCEEDED
    assert provider.calls == 1


@JUMPS
async def test_a_worker_that_died_is_noticed_as_soon_as_ever(
    team: Join, sky: Sky, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    """Its lease ran from before the jump."""
    provider = _Provider()
    worker, other = await team(provider), await team(_Provider())
    monkeypatch.setattr(worker.workshop.engine, "_keep_up", asyncio.Event().wait)
    worker.workshop.start()
    receipt = await worker.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    other.workshop.start()
    sky.set_by_s += jump_s
    entry = await _finished(other, receipt.job_id)
    assert (entry.job.state, entry.job.failure) == (State.FAILED, "outcome-unknown")


@JUMPS
async def test_a_deadline_is_as_long_as_the_customer_said(
    team: Join, sky: Sky, jump_s: float
) -> None:
    front = await team(_Provider())
    front.workshop.start(makes_pictures=False)
    begun_s = time.monotonic()
    wish = Wish(order=_ORDER, customer="c:1", cancel_after_s=4.0)
    receipt = await front.orders.submit(wish)
    sky.set_by_s += jump_s
    await asyncio.sleep(2.5)
    assert (await _now(front, receipt.job_id)).job.state is State.QUEUED
    assert (await _finished(front, receipt.job_id)).job.state is State.EXPIRED
    assert 3.9 <= time.monotonic() - begun_s <= 10


@JUMPS
async def test_an_order_that_comes_to_somebody_who_has_not_noticed_has_its_whole_time(
    team: Join, sky: Sky, jump_s: float
) -> None:
    """One service has seen the jump and counted it; the other takes an order in that moment."""
    seen, unseen = await team(_Provider()), await team(_Provider())
    sky.set_by_s += jump_s
    await seen.orders.submit(Wish(order=_ORDER, customer="c:1"))
    wish = Wish(order=_ORDER, customer="c:1", cancel_after_s=60)
    job = (await _now(seen, (await unseen.orders.submit(wish)).job_id)).job
    assert job.deadline_at is not None
    assert 55 <= job.deadline_at - seen.workshop.clock() <= 60


async def test_an_order_that_waits_for_its_next_call_does_not_wait_for_the_clock(
    team: Join, sky: Sky
) -> None:
    provider = _Provider()
    provider.gate.set()
    provider.failures.append(RateLimitError("status 429", retry_after_s=1.5))
    bench = await team(provider)
    bench.workshop.start()
    receipt = await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    sky.set_by_s -= _HOUR_S
    assert (await _finished(bench, receipt.job_id)).job.state is State.SUCCEEDED
    assert provider.calls == 2


async def test_a_key_stands_for_its_order_for_a_day_whatever_the_clock_says(
    team: Join, sky: Sky
) -> None:
    """Who repeats an order after the clock was put right by days buys nothing."""
    benches = [await team(_Provider()) for _ in range(2)]
    claim = claim_of(customer="c:1", key="order-7", request=b"praia")
    wish = Wish(order=_ORDER, customer="c:1", claim=claim)
    first = await benches[0].orders.submit(wish)
    sky.set_by_s += 3 * _DAY_S
    again = [await bench.orders.submit(wish) for bench in benches]
    assert [each.job_id for each in again] == [first.job_id] * 2


@JUMPS
async def test_a_picture_that_waits_for_the_store_waits_as_long_as_it_would_have(
    database_url: str, tmp_path: Path, sky: Sky, jump_s: float
) -> None:
    """It is put again within half a minute, and how long that took is true."""
    provider = _Provider()
    provider.gate.set()
    changes = {"IMAGE_BLOB_URL": str(tmp_path / "blobs")}
    folder = BrokenFolder(tmp_path / "blobs")
    async with open_bench(
        database_url, provider=provider, prices=_PAID, changes=changes, clocks=sky.clocks()
    ) as bench:
        folder.break_()
        bench.workshop.start()
        receipt = await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
        async with asyncio.timeout(15):
            while not await bench.workshop.spool.waiting():
                pass
        sky.set_by_s += jump_s
        folder.mend()
        entry = await _finished(bench, receipt.job_id)
    assert (entry.job.state, provider.calls) == (State.SUCCEEDED, 1)
    assert 0.0 < entry.job.store_s < 15.0


@JUMPS
async def test_a_provider_is_left_alone_for_as_long_as_its_worker_said(
    team: Join, sky: Sky, jump_s: float
) -> None:
    """Also when the worker that said so is gone."""
    worker, front = await team(_Provider()), await team(_Provider())
    await worker.workshop.rests.tell("fake", Rest(for_s=60.0, may_try=False))
    sky.set_by_s += jump_s
    await front.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await front.workshop.rests.look()
    assert 50.0 < front.workshop.rests.left_s <= 60.0


async def test_a_worker_that_slept_between_its_claim_and_its_call_buys_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its customer has been told meanwhile that nobody knows; the money is not spent after that."""
    provider, woken, slept_s = _Provider(), asyncio.Event(), 0.0
    sky = Sky()
    changes = {"IMAGE_LEASE_S": f"{_LEASE_S:g}"}
    clocks = sky.clocks(lambda: steady_clock() + slept_s)
    async with (
        open_bench(
            database_url, provider=provider, prices=_PAID, changes=changes, clocks=clocks
        ) as sleeper,
        open_bench(
            database_url, provider=_Provider(), prices=_PAID, changes=changes, clocks=clocks
        ) as other,
    ):
        engine = sleeper.workshop.engine
        work = engine._work
        asleep = asyncio.Event()

        async def sleep_first(entry: Entry) -> None:
            asleep.set()
            await woken.wait()
            await work(entry)

        monkeypatch.setattr(engine, "_work", sleep_first)
        monkeypatch.setattr(engine, "_keep_up", woken.wait)
        sleeper.workshop.start()
        receipt = await sleeper.orders.submit(Wish(order=_ORDER, customer="c:1"))
        await asyncio.wait_for(asleep.wait(), 15)
        other.workshop.start()
        entry = await _finished(other, receipt.job_id)
        assert (entry.job.state, entry.job.failure) == (State.FAILED, "outcome-unknown")
        slept_s = _HOUR_S
        sky.set_by_s += _HOUR_S
        woken.set()
        await sleeper.workshop.stop(5.0)
        assert (await _now(other, receipt.job_id)).job == entry.job
    assert provider.calls == 0


@JUMPS
async def test_on_postgresql_the_machines_own_clocks_do_not_count(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    """One machine's clock is an hour off: its orders are begun, and expire, as all others."""
    provider = _Provider()
    provider.gate.set()
    async with open_bench(postgres_url, provider=provider, prices=_PAID) as right:
        monkeypatch.setattr("image_service.shared_clock.wall_clock", lambda: wall_clock() + jump_s)
        async with open_bench(postgres_url, provider=_Provider(), prices=_PAID) as wrong:
            assert abs(wrong.workshop.clock() - right.workshop.clock()) < 1.0
            wish = Wish(order=_ORDER, customer="c:1", cancel_after_s=60)
            receipt = await wrong.orders.submit(wish)
            right.workshop.start()
            entry = await _finished(right, receipt.job_id)
    assert (entry.job.state, entry.job.attempts) == (State.SUCCEEDED, 1)


async def test_a_process_that_is_frozen_at_times_follows_the_clock_and_moves_nothing(
    sqlite_url: str, sky: Sky
) -> None:
    """Lambda's: after each thaw its clocks seem to have been set, and no deadline moves for it."""
    changes = {"IMAGE_QUEUE_URL": "https://sqs.test/queue"}
    async with (
        open_bench(sqlite_url, prices=None, clocks=sky.clocks()) as whole,
        open_bench(sqlite_url, prices=None, changes=changes, clocks=sky.clocks()) as frozen,
    ):
        wish = Wish(order=_ORDER, customer="c:1", cancel_after_s=60)
        receipt = await whole.orders.submit(wish)
        before = (await _now(whole, receipt.job_id)).job.deadline_at
        sky.set_by_s += 30.0
        clock = frozen.workshop.clock
        assert await clock.is_astray(frozen.database)
        await clock.agree(frozen.database)
        assert not await clock.is_astray(frozen.database)
        assert (await _now(whole, receipt.job_id)).job.deadline_at == before
