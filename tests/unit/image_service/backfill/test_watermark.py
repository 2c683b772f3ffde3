"""How far the import is, asked of a service that never had one."""

from __future__ import annotations

from tests.unit.image_service.conftest import FakeProvider, RunApp


async def test_without_an_import_nothing_is_known_of_any_image(run_app: RunApp) -> None:
    async with run_app(FakeProvider()) as client:
        answer = await client.get("/backfill/watermark")
        assert answer.headers["cache-control"] == "no-store"
        mark = answer.json()
        assert (mark["id"], mark["complete"], mark["lag_s"], mark["feed"]) == (0, False, None, None)
        assert (await client.post("/backfill/watermark")).status_code == 405
        metrics = (await client.get("/metrics")).text
        assert "figueira_images_import_lag_seconds NaN" in metrics
        assert "figueira_images_import_complete_id 0.0" in metrics
