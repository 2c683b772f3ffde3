"""Carrying out orders, seen through the service's own surface."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from image_service.errors import AnswerTimeoutError, ModerationError
from image_service.providers.port import Painted
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp, order

_FIRST_ID = 1_000_000_001


async def _status(client: httpx.AsyncClient, image_id: int = _FIRST_ID) -> str:
    status = (await client.get(f"/images/{image_id}")).json()["status"]
    assert isinstance(status, str)
    return status


async def test_the_order_is_on_record_before_the_provider_is_called(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    waiting = asyncio.gather(order(client))
    await provider.started.wait()
    assert await _status(client) == "pendente"
    assert (await client.get(f"/images/{_FIRST_ID}/file")).json() == {
        "error": "Imagem não encontrada"
    }
    provider.gate.set()
    [image_id] = await waiting
    assert image_id == _FIRST_ID
    assert await _status(client) == "pronta"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ModerationError("status 400"), "moderation-blocked"),
        (AnswerTimeoutError("no answer in time"), "provider-timeout"),
        (RuntimeError("a bug"), "internal"),
    ],
)
async def test_a_picture_that_cannot_be_made_answers_500_and_is_on_record(
    client: httpx.AsyncClient,
    provider: FakeProvider,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    kind: str,
) -> None:
    provider.failure = failure
    answer = await client.post("/images", json={"prompt": "praia"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert await _status(client) == "falhou"
    [line] = [r.message for r in caplog.records if r.message.startswith("job_failed")]
    assert f"kind={kind}" in line


async def test_a_picture_of_the_wrong_shape_is_not_served(run_app: RunApp) -> None:
    class WrongShape(FakeProvider):
        async def paint(self, order: object, *, call: object) -> Painted:
            del order, call
            return Painted(content=b"not a picture", provider=self.name)

    async with run_app(WrongShape()) as client:
        assert (await client.post("/images", json={"prompt": "praia"})).status_code == 500
        assert await _status(client) == "falhou"


async def test_a_customer_who_leaves_does_not_lose_the_order(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    customer = asyncio.gather(order(client))
    await provider.started.wait()
    customer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await customer
    provider.gate.set()
    async with asyncio.timeout(5):
        while await _status(client) == "pendente":
            pass
    assert await _status(client) == "pronta"


async def test_an_image_deleted_while_it_is_made_stays_deleted(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    customer = asyncio.gather(client.post("/images", json={"prompt": "praia"}))
    await provider.started.wait()
    await client.delete(f"/images/{_FIRST_ID}")
    provider.gate.set()
    [answer] = await customer
    assert answer.json() == {"error": "Imagem não encontrada"}
    assert (await client.get("/images")).json() == []


async def test_no_more_pictures_are_made_at_once_than_allowed_and_the_rest_wait_in_order(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """Two at once; the settings fixture says so."""
    provider.gate.clear()
    customers = []
    for number in range(5):
        customers.append(asyncio.gather(order(client, f"praia {number}")))
        async with asyncio.timeout(5):
            while len((await client.get("/images")).json()) <= number:
                pass
    assert provider.prompts == ["praia 0", "praia 1"]
    provider.gate.set()
    await asyncio.gather(*customers)
    assert provider.prompts == [f"praia {number}" for number in range(5)]


async def test_a_free_order_that_shutdown_interrupts_is_made_by_the_next_service(
    run_app: RunApp, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its customer is told to come back; nothing was bought, so nothing is lost by repeating it."""
    monkeypatch.setattr("image_service.app._DRAIN_GRACE_S", 0.0)
    provider.gate.clear()
    async with run_app(provider) as client:
        customer = asyncio.gather(client.post("/images", json={"prompt": "praia"}))
        await provider.started.wait()
    [answer] = await customer
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    async with run_app(FakeProvider()) as client, asyncio.timeout(5):
        while await _status(client) == "pendente":
            pass
        assert await _status(client) == "pronta"


async def test_a_paid_order_that_shutdown_interrupts_is_answered_and_not_bought_again(
    run_app: RunApp, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_service.app._DRAIN_GRACE_S", 0.0)
    provider.gate.clear()
    async with run_app(provider, PAID) as client:
        customer = asyncio.gather(client.post("/images", json={"prompt": "praia"}))
        await provider.started.wait()
    [answer] = await customer
    assert answer.status_code == 500
    second = FakeProvider()
    async with run_app(second, PAID) as client:
        assert await _status(client) == "falhou"
        await order(client, "another")
    assert second.prompts == ["another"]


async def test_nothing_a_customer_wrote_reaches_the_log(
    client: httpx.AsyncClient, provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.failure = ModerationError("status 400, code moderation_blocked")
    await client.post("/images", json={"prompt": "private words"})
    assert "private words" not in caplog.text
