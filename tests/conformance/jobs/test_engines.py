"""Several services on one database, in this process: what one does, the others see."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from image_service.contract import SIZES, Order
from image_service.jobs.entries import Entry
from image_service.jobs.idempotency import claim_of
from image_service.jobs.states import State
from image_service.ledger.prices import ModelPrices, Prices, TokenPrices
from image_service.orders import Wish
from image_service.problems import ProblemError
from image_service.providers.port import Call, Painted
from image_service.providers.procedural import render
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
_PRICE = 200_000
_FAST = {"IMAGE_LEASE_S": "1"}


class Join(Protocol):
    """Opens one more service on the test's database."""

    async def __call__(self, provider: Paid, **changes: str) -> Bench:
        """`changes` are settings of its own."""


class Paid:
    """A provider that takes money, and as long as a test wants."""

    name = "fake"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.calls = 0
        self.begun = asyncio.Event()

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Count the call, and wait."""
        del order, call
        self.calls += 1
        self.begun.set()
        await self.gate.wait()
        return Painted(content=_PICTURE, provider=self.name)

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture(params=["table", "pgqueuer"])
def dispatcher(request: pytest.FixtureRequest, database_url: str) -> str:
    """Each dispatcher that the database can have."""
    if request.param == "pgqueuer" and database_url.startswith("sqlite"):
        pytest.skip("PgQueuer is PostgreSQL's")
    return str(request.param)


@pytest.fixture
async def team(database_url: str, dispatcher: str) -> AsyncIterator[Join]:
    """Opens services on one database."""
    async with AsyncExitStack() as stack:

        async def join(provider: Paid, **changes: str) -> Bench:
            opened = open_bench(
                database_url,
                provider=provider,
                prices=_PAID,
                changes=_FAST | {"IMAGE_DISPATCHER": dispatcher} | changes,
            )
            return await stack.enter_async_context(opened)

        yield join


async def _finished(bench: Bench, job_id: str) -> Entry:
    async with asyncio.timeout(15):
        entry = await bench.orders.wait(job_id, timeout_s=None)
    assert entry is not None
    return entry


async def _accounts(bench: Bench) -> dict[str, tuple[int, int]]:
    async with bench.database.read() as connection:
        rows = await connection.execute(text("SELECT customer, reserved, spent FROM accounts"))
        return {customer: (reserved, spent) for customer, reserved, spent in rows}


async def test_what_one_service_takes_another_makes(
    team: Join,
) -> None:
    provider = Paid()
    provider.gate.set()
    front, back = await team(Paid()), await team(provider)
    back.workshop.start()
    receipts = [await front.orders.submit(Wish(order=_ORDER, customer="c:1")) for _ in range(10)]
    for receipt in receipts:
        assert (await _finished(front, receipt.job_id)).job.state is State.SUCCEEDED
    assert provider.calls == 10
    # Nobody said what was used: all that was reserved counts.
    assert await _accounts(front) == {"*": (0, 10 * _PRICE), "c:1": (0, 10 * _PRICE)}


async def test_several_workers_never_make_the_same_picture(
    team: Join,
) -> None:
    providers = [Paid(), Paid()]
    benches = [await team(provider) for provider in providers]
    for bench, provider in zip(benches, providers, strict=True):
        provider.gate.set()
        bench.workshop.start()
    receipts = await asyncio.gather(
        *(
            benches[number % 2].orders.submit(Wish(order=_ORDER, customer=f"c:{number % 3}"))
            for number in range(60)
        )
    )
    for receipt in receipts:
        assert (await _finished(benches[0], receipt.job_id)).job.attempts == 1
    assert sum(provider.calls for provider in providers) == 60
    assert (await _accounts(benches[0]))["*"] == (0, 60 * _PRICE)


async def test_one_key_is_one_order_whichever_service_it_comes_to(
    team: Join,
) -> None:
    benches = [await team(Paid()) for _ in range(3)]
    claim = claim_of(customer="c:1", key="order-7", request=b"praia")
    receipts = await asyncio.gather(
        *(
            benches[number % 3].orders.submit(Wish(order=_ORDER, customer="c:1", claim=claim))
            for number in range(30)
        )
    )
    assert len({receipt.job_id for receipt in receipts}) == 1
    assert sum(not receipt.is_replay for receipt in receipts) == 1
    assert len(await benches[0].store.page(after=0)) == 1


async def test_services_spend_one_budget_together(
    team: Join,
) -> None:
    benches = [await team(Paid(), IMAGE_BUDGET_USD="1.1") for _ in range(2)]

    async def order(number: int) -> str:
        try:
            await benches[number % 2].orders.submit(Wish(order=_ORDER, customer=f"c:{number}"))
        except ProblemError as error:
            return error.problem.code
        return "taken"

    answers = Counter(await asyncio.gather(*(order(number) for number in range(20))))
    assert answers == {"taken": 5, "global-budget-exceeded": 15}
    assert (await _accounts(benches[0]))["*"] == (5 * _PRICE, 0)


async def test_a_cancel_reaches_the_worker_wherever_it_is(
    team: Join,
) -> None:
    provider = Paid()
    front, back = await team(Paid()), await team(provider)
    back.workshop.start()
    receipt = await front.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    canceled = await front.orders.cancel(receipt.job_id)
    assert canceled is not None
    assert canceled.job.is_cancel_asked
    entry = await _finished(front, receipt.job_id)
    assert (entry.job.state, entry.job.cost) == (State.CANCELED, _PRICE)
    assert await _accounts(front) == {"*": (0, _PRICE), "c:1": (0, _PRICE)}


async def test_a_worker_that_was_taken_for_dead_has_nothing_to_say(
    team: Join,
) -> None:
    """Its lease ran out, somebody else has settled the job; its picture comes too late."""
    provider = Paid()
    slow, other = await team(provider), await team(Paid())
    slow.workshop.start()
    receipt = await slow.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    async with other.database.write() as connection:
        await connection.execute(text("UPDATE jobs SET lease_until = 0, owner = 'nobody'"))
    other.workshop.start()
    entry = await _finished(other, receipt.job_id)
    assert (entry.job.state, entry.job.failure) == (State.FAILED, "outcome-unknown")
    provider.gate.set()
    await slow.workshop.stop(5.0)
    after = await _finished(other, receipt.job_id)
    assert after.job == entry.job
    assert provider.calls == 1
    async with other.database.read() as connection:
        rows = (await connection.execute(text("SELECT state, cost, provider FROM attempts"))).all()
    assert [tuple(row) for row in rows] == [("unknown", _PRICE, "fake")]


async def test_a_service_that_only_takes_orders_ends_those_that_nobody_makes(team: Join) -> None:
    front = await team(Paid())
    front.workshop.start(makes_pictures=False)
    wish = Wish(order=_ORDER, customer="c:1", cancel_after_s=0.2)
    entry = await _finished(front, (await front.orders.submit(wish)).job_id)
    assert (entry.job.state, entry.job.attempts) == (State.EXPIRED, 0)
    assert await _accounts(front) == {"*": (0, 0), "c:1": (0, 0)}


async def test_orders_are_made_after_the_database_has_cut_every_connection(
    team: Join, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no connections to cut")
    provider = Paid()
    bench = await team(provider)
    bench.workshop.start()
    first = await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
    await asyncio.wait_for(provider.begun.wait(), 15)
    await _cut_connections(database_url)
    provider.gate.set()
    # What was paid for is settled once there is a connection again, and what comes is made.
    assert (await _finished(bench, first.job_id)).job.state is State.SUCCEEDED
    second = await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
    assert (await _finished(bench, second.job_id)).job.state is State.SUCCEEDED
    assert provider.calls == 2


async def _cut_connections(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    await engine.dispose()


async def test_an_order_that_nobody_was_told_of_is_made_all_the_same(
    team: Join,
) -> None:
    """The jobs table is the truth: tickets may be lost."""
    provider = Paid()
    provider.gate.set()
    front = await team(provider)
    receipt = await front.orders.submit(Wish(order=_ORDER, customer="c:1"))
    async with front.database.write() as connection:
        if not front.database.is_sqlite and (
            await connection.scalar(text("SELECT to_regclass('pgqueuer')")) is not None
        ):
            await connection.execute(text("DELETE FROM pgqueuer"))
        await connection.execute(text("UPDATE jobs SET available_at = available_at - 100"))
    front.workshop.start()
    assert (await _finished(front, receipt.job_id)).job.state is State.SUCCEEDED
