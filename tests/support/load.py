"""Steady load: visitors who check that each answer is the one that this very request must get."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import xxhash

from image_service.providers.procedural import render
from tests.support.http11 import Answer, Connection, CutError, Headers

VISITORS = 12
"""Requests under way at a time: enough to overlap, few enough for two slow cores."""
MAX_REUSES = 8
"""Requests on one connection; each connection has a random number of them, from 1."""
IMAGE_SERVICE_FROM = 1_000_000_001
"""The image service's first id; smaller ids are the monolith's."""
PICTURES = 24
"""Different pictures that are ordered: painting each costs about 20 ms, here as well."""
BUCKETS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An image order that was acknowledged."""

    number: int
    """Its own ``product_id``: no two orders have the same."""
    customer: int
    image_id: int
    trace_id: str
    """Finds its access line."""

    @property
    def side(self) -> str:
        """The backend that made it, told by its id."""
        return "image_service" if self.image_id >= IMAGE_SERVICE_FROM else "legacy"


def name_of(customer: int) -> str:
    """The customer's X-Customer-Id."""
    return f"customer-{customer}"


def side_of(customer: int, percent: int) -> str:
    """Where a customer's new orders go, computed as any other proxy could compute it."""
    bucket = xxhash.xxh64(name_of(customer).encode()).intdigest() % BUCKETS
    return "image_service" if bucket * 100 < percent * BUCKETS else "legacy"


def prompt_of(number: int) -> str:
    """The words of an order."""
    return f"um barco vermelho, quadro {number % PICTURES}"


@cache
def picture_of(prompt: str) -> bytes:
    """The picture that either side must paint for these words."""
    return render(prompt, 256, 256)


class WrongAnswerError(Exception):
    """An answer that is not the one that the request must get."""


@dataclass(slots=True, kw_only=True)
class Load:
    """What the visitors do and see."""

    port: int
    customers: int
    """How many different customers order, in turn."""
    orders: list[Order] = field(default_factory=list)
    answers: int = 0
    connections: int = 0
    failures: list[str] = field(default_factory=list)
    """Refused connections, failed and mixed-up answers."""
    cuts: list[str] = field(default_factory=list)
    """Connections that were cut before their answer was complete."""
    numbers: count[int] = field(default_factory=lambda: count(1))
    """Of steps; no two are the same."""
    turns: count[int] = field(default_factory=count)
    """Of customers who order."""
    is_over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def more_orders(self, wanted: int, patience_s: float = 60.0) -> None:
        """Wait for so many orders beside those that there are."""
        await self._until(lambda: len(self.orders), len(self.orders) + wanted, patience_s)

    async def more_answers(self, wanted: int, patience_s: float = 60.0) -> None:
        """Wait for so many answers beside those that there are."""
        await self._until(lambda: self.answers, self.answers + wanted, patience_s)

    async def _until(self, have: Callable[[], int], goal: int, patience_s: float) -> None:
        async with asyncio.timeout(patience_s):
            while have() < goal and not self.failures:
                self._changed.clear()
                await self._changed.wait()
        assert not self.failures, self.failures[:5]

    def note(self) -> None:
        """Tell whoever waits that something was answered."""
        self._changed.set()


class Visitor:
    """Asks one thing after the other; each answer is compared with what it has to be."""

    def __init__(self, load: Load, number: int) -> None:
        self._load = load
        self._random = random.Random(number)
        self._connection: Connection | None = None
        self._reuses = 0
        self._steps: tuple[Callable[[int], Awaitable[None]], ...] = (
            self._trade_product,
            self._order_image,
            self._list_products,
            self._order_image,
        )

    async def visit(self) -> None:
        """Go on until the load is over."""
        try:
            while not self._load.is_over:
                await self._step(next(self._load.numbers))
        finally:
            self._drop()

    async def _step(self, number: int) -> None:
        try:
            await self._steps[number % len(self._steps)](number)
        except CutError as error:
            self._load.cuts.append(str(error))
            self._drop()
        except Exception as error:  # noqa: BLE001 - the task's root: a failure of the test
            self._load.failures.append(f"step {number}: {error!r}")
            self._drop()
            self._load.note()

    async def _ask(
        self, method: str, target: str, headers: Headers = (), body: object = None
    ) -> Answer:
        connection = self._connection
        if connection is None or not connection.is_usable or self._reuses == 0:
            self._drop()
            connection = self._connection = await Connection.open(self._load.port)
            self._load.connections += 1
            self._reuses = self._random.randint(1, MAX_REUSES)
        self._reuses -= 1
        answer = await connection.ask(method, target, headers, body)
        self._load.answers += 1
        self._load.note()
        if answer.status != 200:
            raise WrongAnswerError(f"{method} {target}: {answer.status} {answer.body[:300]!r}")
        return answer

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _trade_product(self, number: int) -> None:
        product = {"name": f"barco {number}", "price": number + 0.5}
        answer = await self._ask("POST", "/products", body=product)
        product_id = answer.json()["id"]
        _expect(answer, {"id": product_id, **product})
        product["name"] = f"navio {number}"
        target = f"/products/{product_id}"
        _expect(await self._ask("PUT", target, body=product), {"id": product_id, **product})
        _expect(await self._ask("GET", target), {"id": product_id, **product})
        if number % 3 == 0:
            _expect(await self._ask("DELETE", target), {"success": "Produto deletado"})

    async def _list_products(self, _number: int) -> None:
        listed = (await self._ask("GET", "/products?ordem=1")).json()
        if not all({"id", "name", "price"} == set(product) for product in listed):
            raise WrongAnswerError(f"not a list of products: {listed!r:.300}")

    async def _order_image(self, number: int) -> None:
        customer = next(self._load.turns) % self._load.customers
        trace_id = f"{number:032x}"
        headers = [
            ("X-Customer-Id", name_of(customer)),
            ("traceparent", f"00-{trace_id}-{1:016x}-01"),
        ]
        prompt = prompt_of(number)
        order = {"prompt": prompt, "size": "256x256", "product_id": number}
        answer = await self._ask("POST", "/images", headers, order)
        image_id = answer.json()["id"]
        record = {"id": image_id, **order, "status": "pronta", "url": f"/images/{image_id}/file"}
        _expect(answer, record)
        self._load.orders.append(
            Order(number=number, customer=customer, image_id=image_id, trace_id=trace_id)
        )
        _expect(await self._ask("GET", f"/images/{image_id}"), record)
        await self._check_picture(image_id, prompt)

    async def _check_picture(self, image_id: int, prompt: str) -> None:
        answer = await self._ask("GET", f"/images/{image_id}/file")
        if answer.body != picture_of(prompt):
            raise WrongAnswerError(f"image {image_id} is another picture than {prompt!r}")


def _expect(answer: Answer, expected: object) -> None:
    if answer.json() != expected:
        raise WrongAnswerError(f"{answer.body[:300]!r} is not {expected}")


@asynccontextmanager
async def visitors(port: int, *, customers: int = 1) -> AsyncIterator[Load]:
    """Keep a gateway busy; when the block ends, every visitor has finished its last step."""
    for number in range(PICTURES):
        picture_of(prompt_of(number))
    load = Load(port=port, customers=customers)
    async with asyncio.TaskGroup() as group:
        for number in range(VISITORS):
            group.create_task(Visitor(load, number).visit())
        try:
            yield load
        finally:
            load.is_over = True


async def fetch_pictures(port: int, orders: list[Order]) -> list[str]:
    """Fetch the picture of every order anew; return what is wrong with them."""
    wrong: list[str] = []

    async def fetch(some: list[Order]) -> None:
        connection = await Connection.open(port)
        try:
            for order in some:
                answer = await connection.ask("GET", f"/images/{order.image_id}/file")
                if answer.status != 200 or answer.body != picture_of(prompt_of(order.number)):
                    wrong.append(f"image {order.image_id}: {answer.status} {answer.body[:100]!r}")
        finally:
            connection.close()

    async with asyncio.TaskGroup() as group:
        for first in range(VISITORS):
            group.create_task(fetch(orders[first::VISITORS]))
    return wrong
