"""Pictures that wait for the store, seen through the service's own surface."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from image_service.jobs import spool
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp

_ORDER = {"prompt": "praia", "size": "256x256"}
_ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(spool, "_FIRST_WAIT_S", 0.02)


async def _order(client: httpx.AsyncClient) -> str:
    taken = await client.post("/images", json=_ORDER, headers=_ASYNC)
    return taken.headers["location"]


async def _until(client: httpx.AsyncClient, line: str) -> None:
    async with asyncio.timeout(10):
        while line not in (await client.get("/metrics")).text:
            pass


async def _until_it_was_tried(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    async with asyncio.timeout(10):
        while sum(each.message.startswith("picture_waits") for each in caplog.records) < times:
            await client.get("/images")


async def _finished(client: httpx.AsyncClient, job: str) -> dict[str, object]:
    async with asyncio.timeout(10):
        while True:
            said: dict[str, object] = (await client.get(job)).json()
            if said["finished_at"] is not None:
                return said


async def test_with_many_pictures_waiting_nothing_more_is_bought(
    run_app: RunApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(spool, "_MOST_SPOOLED", 1)
    provider = FakeProvider()
    async with run_app(provider, PAID) as client:
        originals = tmp_path / "blobs" / "sha256"
        originals.write_bytes(b"")
        first = await _order(client)
        await _until(client, "figueira_images_spooled_pictures 1.0")
        # The spool has tried again, and then counted what waits.
        await _until_it_was_tried(client, caplog, 2)
        second = await _order(client)
        third = await _order(client)
        await _until_it_was_tried(client, caplog, 4)
        assert len(provider.calls) == 1
        assert (await client.get(first)).json()["status"] == "running"
        assert (await client.get(second)).json()["status"] == "queued"
        originals.unlink()
        jobs = [await _finished(client, job) for job in (first, second, third)]
    assert [job["status"] for job in jobs] == ["succeeded"] * 3
    assert [job["attempts"] for job in jobs] == [1, 1, 1]
    assert len(provider.calls) == 3


async def test_a_spooled_picture_is_not_canceled_and_cost_what_it_cost(
    run_app: RunApp, tmp_path: Path
) -> None:
    provider = FakeProvider()
    async with run_app(provider, PAID) as client:
        originals = tmp_path / "blobs" / "sha256"
        originals.write_bytes(b"")
        job = await _order(client)
        await _until(client, "figueira_images_spooled_pictures 1.0")
        assert (await client.delete(job)).status_code == 202
        originals.unlink()
        said = await _finished(client, job)
        assert (said["status"], said["cost_usd"]) == ("succeeded", 0.2)
        assert said["cancel_requested"] is True
        await _until(client, "figueira_images_spooled_pictures 0.0")
        metrics = (await client.get("/metrics")).text
    assert 'figueira_images_provider_calls_total{outcome="bought",provider="fake"} 1.0' in metrics
    assert 'figueira_images_jobs_finished_total{code="",state="succeeded"} 1.0' in metrics
    assert 'figueira_images_cost_usd_total{provider="fake"} 0.2' in metrics


async def test_an_image_deleted_while_its_picture_waits_stays_deleted(
    run_app: RunApp, tmp_path: Path
) -> None:
    async with run_app(FakeProvider(), PAID) as client:
        originals = tmp_path / "blobs" / "sha256"
        originals.write_bytes(b"")
        job = await _order(client)
        await _until(client, "figueira_images_spooled_pictures 1.0")
        image = (await client.get(job)).json()["image_id"]
        assert (await client.delete(f"/images/{image}")).json() == {"success": "Imagem deletada"}
        originals.unlink()
        said = await _finished(client, job)
        assert said["status"] == "canceled"
        await _until(client, "figueira_images_spooled_pictures 0.0")
