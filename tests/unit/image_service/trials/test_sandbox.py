"""A trial runs the whole way and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_service.errors import StartupError
from image_service.settings import read_settings
from image_service.trials.marks import write_mark
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp

_SECRET = "s" * 32
_CHANGES = {"IMAGE_GATEWAY_SECRET": _SECRET, "IMAGE_CUSTOMER_BUDGET_USD": "0.3"}
_ORDER = {"prompt": "praia", "size": "256x256"}


def _mark(number: int = 0) -> dict[str, str]:
    return {
        "X-Figueira-Trial": write_mark(f"trial-{number}", expires_s=10**11, secret=_SECRET),
        "Idempotency-Key": f"trial-{number}",
    }


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_a_trial_is_answered_like_an_order(run_app: RunApp, provider: FakeProvider) -> None:
    async with run_app(provider, changes=_CHANGES) as client:
        trial = await client.post("/images", json=_ORDER, headers=_mark())
        order = await client.post("/images", json=_ORDER)
        wrong = await client.post("/images", json={"prompt": ""}, headers=_mark())
        job = await client.post(
            "/images", json=_ORDER, headers={**_mark(), "Prefer": "respond-async"}
        )
    assert trial.status_code == order.status_code
    # The number is the one that the order would have had, and the next order has it.
    assert trial.json() == order.json()
    assert wrong.json() == {"error": "Prompt obrigatório"}
    assert job.status_code == 202


async def test_a_trial_is_refused_where_an_order_would_be(
    run_app: RunApp, provider: FakeProvider
) -> None:
    async with run_app(provider, PAID, _CHANGES) as client:
        await client.post("/images", json=_ORDER)
        assert (await client.post("/images", json=_ORDER, headers=_mark())).status_code == 402


@pytest.mark.parametrize("mark", ["yes", write_mark("t", expires_s=10**11, secret="x" * 32)])
async def test_a_mark_that_is_not_the_gateways_buys_nothing(
    run_app: RunApp, provider: FakeProvider, mark: str
) -> None:
    async with run_app(provider, changes=_CHANGES) as client:
        headers = {"X-Figueira-Trial": mark}
        answers = [
            await client.post("/images", json=_ORDER, headers=headers),
            await client.delete("/images/1000000001", headers=headers),
        ]
        assert (await client.get("/images")).json() == []
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "trial-not-believed")
    assert provider.prompts == []


async def test_a_trial_deletes_nothing(run_app: RunApp, provider: FakeProvider) -> None:
    async with run_app(provider, changes=_CHANGES) as client:
        image_id = (await client.post("/images", json=_ORDER)).json()["id"]
        path = f"/images/{image_id}"
        answer = await client.delete(path, headers=_mark())
        assert answer.json() == {"success": "Imagem deletada"}
        assert (await client.get(path)).json()["status"] == "pronta"
        assert (await client.delete("/images/1", headers=_mark())).json() == {
            "error": "Imagem não encontrada"
        }


@pytest.mark.parametrize("is_forged", [False, True])
async def test_a_trial_cancels_nothing(
    run_app: RunApp, provider: FakeProvider, *, is_forged: bool
) -> None:
    provider.gate.clear()
    mark = {"X-Figueira-Trial": "yes"} if is_forged else _mark()
    async with run_app(provider, changes=_CHANGES) as client:
        taken = await client.post("/images", json=_ORDER, headers={"Prefer": "respond-async"})
        path = taken.headers["location"]
        await provider.started.wait()
        answers = [
            await client.delete(path, headers=mark),
            await client.post(f"{path}/cancel", headers=mark),
        ]
        job = (await client.get(path)).json()
        provider.gate.set()
    assert (job["status"], job["cancel_requested"]) == ("running", False)
    for answer in answers:
        assert answer.status_code == (403 if is_forged else 202)


async def test_a_trial_has_no_other_format_made(
    run_app: RunApp, provider: FakeProvider, tmp_path: Path
) -> None:
    """It would be kept."""
    async with run_app(provider, changes=_CHANGES) as client:
        image_id = (await client.post("/images", json=_ORDER)).json()["id"]
        tag = (await client.get(f"/images/{image_id}/file")).headers["etag"]
        path = f"/images/blobs/{tag.strip(chr(34))}"
        before = _listed(tmp_path)
        answer = await client.get(f"{path}.webp?w=64", headers=_mark())
        assert (answer.status_code, answer.json()["code"]) == (403, "trial-not-possible")
        assert _listed(tmp_path) == before
        assert (await client.get(path, headers=_mark())).status_code == 200


async def test_a_trial_of_a_known_key_has_the_answer_of_its_order(
    run_app: RunApp, provider: FakeProvider
) -> None:
    key = {"Idempotency-Key": "order-7"}
    async with run_app(provider, changes=_CHANGES) as client:
        order = await client.post("/images", json=_ORDER, headers=key)
        trial = await client.post("/images", json=_ORDER, headers=_mark() | key)
        other = await client.post(
            "/images", json={**_ORDER, "prompt": "mar"}, headers=_mark() | key
        )
    assert (trial.status_code, trial.json()) == (200, order.json())
    assert other.status_code == 422


async def test_a_trial_may_be_painted_as_an_order_is_and_carries_its_trace_on(
    run_app: RunApp, provider: FakeProvider
) -> None:
    """For a gateway that answers the call from its record; without one it keeps from starting."""
    asked = {**_CHANGES, "IMAGE_TRIALS": "provider"}
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {**_mark(), "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with run_app(
        provider, changes={**asked, "OPENAI_BASE_URL": "http://gateway:9010/image_service/v1"}
    ) as client:
        trial = await client.post("/images", json=_ORDER, headers=headers)
        left = await client.get("/images")
    assert trial.json()["status"] == "pronta"
    assert left.json() == []
    (call,) = provider.calls
    assert call.traceparent is not None
    assert call.traceparent.split("-")[1] == trace
    with pytest.raises(StartupError, match="IMAGE_TRIALS"):
        read_settings(asked)
