"""What was acknowledged is kept: through kills, restarts, and several writers at once."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.legacy.process import Monolith, running
from tests.support.polling import eventually
from tests.support.processes import PATIENCE_S

pytestmark = pytest.mark.e2e

CUSTOMERS = 6
KILLS = 3
ENOUGH = 30  # acknowledged writes before a kill
EACH = 6  # writes of each customer where nobody is killed


@dataclass(slots=True, kw_only=True)
class Customer:
    """Writes, and remembers what was acknowledged.

    Attributes:
        name: Of every product and in every order.
        products: Product id -> the price that was acknowledged last.
        unsure: Ids of products whose last change was not answered.
        images: Ids of images that were answered as done.
        answers: How many there were.
    """

    name: str
    products: dict[int, float] = field(default_factory=dict)
    unsure: set[int] = field(default_factory=set)
    images: set[int] = field(default_factory=set)
    answers: int = 0

    def write(self, shop: httpx.Client, number: int) -> None:
        """Create a product, change it, delete every third one, order a picture."""
        product_id = int(self._ask(shop, "POST", "/products", name=self.name, price=number)["id"])
        self.products[product_id] = number
        self.unsure.add(product_id)
        path = f"/products/{product_id}"
        changed = self._ask(shop, "PUT", path, name=self.name, price=-number)
        self.products[product_id] = changed["price"]
        if number % 3 == 0:
            assert "success" in self._ask(shop, "DELETE", path)
            del self.products[product_id]
        self.unsure.discard(product_id)
        order = self._ask(shop, "POST", "/images", prompt=self.name, size="256x256")
        assert order["status"] == "pronta"
        self.images.add(order["id"])

    def _ask(self, shop: httpx.Client, method: str, path: str, **fields: object) -> dict[str, Any]:
        answer = shop.request(method, path, json=fields)
        assert answer.status_code == 200, (method, path, answer.text)
        self.answers += 1
        value: dict[str, Any] = answer.json()
        assert "error" not in value, (method, path, value)
        return value


def _customers() -> list[Customer]:
    return [Customer(name=f"cliente {number}") for number in range(CUSTOMERS)]


def _shop(monolith: Monolith) -> httpx.Client:
    url = f"http://127.0.0.1:{monolith.port}"
    return httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S)


def _all_at_once(work: Callable[[Customer], None], customers: list[Customer]) -> None:
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        for done in [pool.submit(work, customer) for customer in customers]:
            done.result()


def _write_until_killed(monolith: Monolith, customers: list[Customer]) -> None:
    """Have everybody write, and kill the process in the midst of it."""
    until = sum(customer.answers for customer in customers) + ENOUGH

    def write(customer: Customer) -> None:
        number = 0
        with _shop(monolith) as shop, suppress(httpx.TransportError):
            while True:
                customer.write(shop, number := number + 1)

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        done = [pool.submit(write, customer) for customer in customers]
        try:
            eventually(
                lambda: (
                    sum(customer.answers for customer in customers) > until
                    or any(each.done() for each in done)
                ),
                "enough acknowledged writes",
            )
        finally:
            monolith.process.kill()
        for each in done:
            each.result()


def _check(monolith: Monolith, customers: list[Customer], unanswered: int) -> None:
    """Everything acknowledged is there, with the last price; at most so many rows are more."""
    with _shop(monolith) as shop:
        listed = {product["id"]: product for product in shop.get("/products").json()}
        told: set[int] = set()
        for customer in customers:
            for product_id in customer.products.keys() - customer.unsure:
                assert product_id not in told, "two customers were given one id"
                told.add(product_id)
                price = customer.products[product_id]
                expected = {"id": product_id, "name": customer.name, "price": price}
                assert listed[product_id] == expected
            for image_id in customer.images:
                assert shop.get(f"/images/{image_id}").json()["status"] == "pronta"
                assert shop.get(f"/images/{image_id}/file").content.startswith(b"\x89PNG")
        assert len(listed) <= len(told) + unanswered


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Three times in the midst of writes; a picture that was being drawn stays ``pendente``."""
    customers = _customers()
    for kill in range(KILLS):
        with running(tmp_path, LEGACY_IMAGE_DELAY="0.01") as monolith:
            _check(monolith, customers, unanswered=CUSTOMERS * kill)
            _write_until_killed(monolith, customers)
        for customer in customers:  # either way is right; the id may be given again
            for product_id in customer.unsure:
                del customer.products[product_id]
            customer.unsure.clear()
    with running(tmp_path) as monolith:
        _check(monolith, customers, unanswered=CUSTOMERS * KILLS)
        assert monolith.stop(signal.SIGTERM) == 0
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_two_processes_on_one_database_lose_nothing_and_refuse_nothing(tmp_path: Path) -> None:
    """As while one of them is being replaced by the other: everybody writes through both."""
    customers = _customers()
    with (
        running(tmp_path, LEGACY_IMAGE_DELAY="0") as one,
        running(tmp_path, LEGACY_IMAGE_DELAY="0") as other,
    ):

        def write(customer: Customer) -> None:
            with _shop(one) as here, _shop(other) as there:
                for number in range(EACH):
                    customer.write(here if number % 2 else there, number)

        _all_at_once(write, customers)
        for monolith in (one, other):
            _check(monolith, customers, unanswered=0)
            assert monolith.log == []
