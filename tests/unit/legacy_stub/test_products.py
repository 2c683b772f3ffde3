"""The products in this process; the recording in tests/conformance/legacy says the rest."""

from __future__ import annotations

import httpx
import pytest


async def test_a_product_lives_from_post_to_delete(client: httpx.AsyncClient) -> None:
    created = await client.post("/products", json={"name": "Caneca", "price": 19.9})
    assert created.json() == {"id": 1, "name": "Caneca", "price": 19.9}
    changed = await client.put("/products/1", json={"name": "Copo", "price": 5})
    assert changed.json() == {"id": 1, "name": "Copo", "price": 5.0}
    assert (await client.get("/products")).json() == [changed.json()]
    deleted = await client.delete("/products/1")
    assert deleted.json() == {"success": "Produto deletado"}
    gone = await client.get("/products/1")
    assert (gone.status_code, gone.json()) == (200, {"error": "Produto não encontrado"})


async def test_the_id_of_a_deleted_last_product_is_given_again(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        created = await client.post("/products", json={"name": "Caneca", "price": 1})
        assert created.json()["id"] == 1
        await client.delete("/products/1")


@pytest.mark.parametrize("body", ["[]", "null", "{}", '{"name": "x", "price": NaN}', "[" * 100_000])
async def test_what_the_database_or_python_refuses_is_500_and_stores_nothing(
    client: httpx.AsyncClient, body: str
) -> None:
    answer = await client.post(
        "/products", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await client.get("/products")).json() == []


async def test_a_failed_statement_keeps_the_customers_data_out_of_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.post("/products", json={"name": "segredo"})
    assert "NOT NULL constraint failed: product.price" in caplog.text
    assert "segredo" not in caplog.text
