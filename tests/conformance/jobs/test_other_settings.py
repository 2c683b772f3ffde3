"""Processes on one database whose settings differ, and orders that a database does not like."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from image_service.contract import SIZES, Order
from image_service.jobs.states import State
from image_service.ledger.prices import ModelPrices, Prices, TokenPrices
from image_service.orders import Wish
from image_service.providers.port import Call, Painted
from image_service.providers.procedural import render
from tests.support.shop_orders import open_bench

_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_PICTURE = render("praia", 256, 256)
_PRICE = 200_000
_PRICES = Prices(
    {
        "procedural": None,
        "fake": ModelPrices(
            tokens=TokenPrices(text_input=0, image_input=0, image_output=10, text_output=1),
            images={"else": {"auto": 0.2}},
        ),
    }
)
_SETTINGS = {"IMAGE_LEASE_S": "1", "IMAGE_DISPATCHER": "table"}


class _Paid:
    name = "fake"

    def __init__(self) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def paint(self, order: Order, *, call: Call) -> Painted:
        del order, call
        self.calls += 1
        self.begun.set()
        await self.gate.wait()
        return Painted(content=_PICTURE, provider=self.name)

    async def close(self) -> None:
        pass


async def test_what_was_taken_as_free_and_is_paid_for_is_not_bought_twice(
    database_url: str,
) -> None:
    """The key for the provider may be the workers' alone: who takes orders thinks it is free."""
    provider = _Paid()
    async with (
        open_bench(database_url, prices=_PRICES, changes=_SETTINGS) as front,
        open_bench(database_url, provider=provider, prices=_PRICES, changes=_SETTINGS) as worker,
    ):
        receipt = await front.orders.submit(Wish(order=_ORDER, customer="c:1"))
        worker.workshop.start()
        await asyncio.wait_for(provider.begun.wait(), 15)
        async with front.database.write() as connection:
            await connection.execute(text("UPDATE jobs SET lease_until = 0, owner = 'dead'"))
        async with asyncio.timeout(15):
            entry = await front.orders.wait(receipt.job_id, timeout_s=None)
        assert entry is not None
        assert (entry.job.state, entry.job.failure) == (State.FAILED, "outcome-unknown")
        assert provider.calls == 1
        async with front.database.read() as connection:
            spent = await connection.execute(
                text("SELECT customer, reserved, spent FROM accounts ORDER BY customer")
            )
            assert [tuple(row) for row in spent] == [("*", 0, _PRICE), ("c:1", 0, _PRICE)]


async def test_what_was_taken_as_free_stays_within_the_budget_of_who_pays(
    database_url: str,
) -> None:
    provider = _Paid()
    provider.gate.set()
    budget = _SETTINGS | {"IMAGE_CUSTOMER_BUDGET_USD": "0.5"}
    async with (
        open_bench(database_url, prices=_PRICES, changes=budget) as front,
        open_bench(database_url, provider=provider, prices=_PRICES, changes=budget) as worker,
    ):
        wishes = [Wish(order=_ORDER, customer="c:1")] * 6
        receipts = [await front.orders.submit(wish) for wish in wishes]
        worker.workshop.start()
        ends = []
        async with asyncio.timeout(15):
            for receipt in receipts:
                entry = await front.orders.wait(receipt.job_id, timeout_s=None)
                assert entry is not None
                ends.append(entry.job.failure)
    assert Counter(ends) == {None: 2, "budget-exceeded": 4}
    assert provider.calls == 2


async def test_an_order_that_cannot_be_written_takes_no_other_with_it(database_url: str) -> None:
    """PostgreSQL's text has no NUL; who orders at the same moment must not notice."""
    async with open_bench(database_url, prices=_PRICES, changes=_SETTINGS) as bench:
        odd = Order(prompt="pra\0ia", size=SIZES["256x256"], product_id=None)
        orders = [*([_ORDER] * 10), odd, *([_ORDER] * 10)]
        answers = await asyncio.gather(
            *(bench.orders.submit(Wish(order=order, customer="c:1")) for order in orders),
            return_exceptions=True,
        )
        failed = [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)]
        assert failed == []
        assert len(await bench.store.page(after=0)) == 21


@pytest.mark.parametrize("partials", [False, True])
async def test_pictures_on_the_way_are_reserved_for(sqlite_url: str, partials: bool) -> None:
    """Each takes a hundred tokens more of output."""
    provider = _Paid()
    async with open_bench(
        sqlite_url, provider=provider, prices=_PRICES, changes=_SETTINGS
    ) as bench:
        await bench.orders.submit(Wish(order=_ORDER, customer="c:1", wants_partials=partials))
        async with bench.database.read() as connection:
            reserved = await connection.scalar(text("SELECT reserved FROM jobs"))
    assert reserved == _PRICE + (2 * 100 * 10 if partials else 0)
