"""A customer's whole business, through the one URL."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.load import IMAGE_SERVICE_FROM, picture_of

pytestmark = pytest.mark.e2e

PROMPT = "um farol ao entardecer"


@pytest.mark.parametrize(
    ("percent", "first", "last"),
    [
        pytest.param(0, 1, IMAGE_SERVICE_FROM - 1, id="the monolith paints"),
        pytest.param(100, IMAGE_SERVICE_FROM, 2**63 - 1, id="the image service paints"),
    ],
)
def test_promise_6_a_customer_trades_products_and_gets_a_picture_through_one_url(
    start: Start, percent: int, first: int, last: int
) -> None:
    """Products are created, read, updated, listed and deleted, an image ordered and fetched."""
    with start() as figueira, httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        if percent:
            figueira.flip(percent)
        made = shop.post("/products", json={"name": "barco", "price": 12.5}).json()
        url = f"/products/{made['id']}"
        assert made == {"id": made["id"], "name": "barco", "price": 12.5}
        assert shop.get(url).json() == made
        changed = shop.put(url, json={"name": "navio", "price": 99.0}).json()
        assert changed == {"id": made["id"], "name": "navio", "price": 99.0}
        assert changed in shop.get("/products").json()

        order = {"prompt": PROMPT, "size": "256x256", "product_id": made["id"]}
        image = shop.post("/images", json=order).json()
        assert first <= image["id"] <= last
        file = f"/images/{image['id']}/file"
        assert image == {"id": image["id"], **order, "status": "pronta", "url": file}
        assert shop.get(f"/images/{image['id']}").json() == image
        answer = shop.get(file)
        assert answer.headers["content-type"] == "image/png"
        assert answer.content == picture_of(PROMPT)

        assert shop.delete(url).json() == {"success": "Produto deletado"}
        assert shop.get(url).json() == {"error": "Produto não encontrado"}
        assert changed not in shop.get("/products").json()
