"""A thousand requests of a parallel run, and the database and blobs before and after."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from image_service.app import create_app
from image_service.database import Database, open_database
from image_service.ledger.prices import ModelPrices, Prices, TokenPrices
from image_service.providers.port import Call, Painted
from image_service.providers.procedural import render
from image_service.settings import read_settings
from image_service.trials.marks import write_mark

_SECRET = "s" * 32
_ORDER = {"prompt": "praia", "size": "256x256"}
_TRIALS = 1000
_TABLES = ("images", "jobs", "attempts", "job_events", "idempotency_claims", "accounts")
_PRICES = Prices(
    {
        "procedural": None,
        "paid": ModelPrices(
            tokens=TokenPrices(text_input=0, image_input=0, image_output=10, text_output=1),
            images={"else": {"auto": 0.2}},
        ),
    }
)
_PICTURE = render("praia", 256, 256)


class _Paid:
    name = "paid"
    calls = 0

    async def paint(self, order: object, *, call: Call) -> Painted:
        del order, call
        self.calls += 1
        return Painted(content=_PICTURE, provider=self.name)

    async def close(self) -> None:
        pass


async def _left(database: Database, blobs: Path) -> dict[str, object]:
    """All rows and all blobs that there are."""
    left: dict[str, object] = {"blobs": await asyncio.to_thread(_listed, blobs)}
    tables = [*_TABLES, "sqlite_sequence" if database.is_sqlite else "pgqueuer"]
    async with database.read() as connection:
        for table in tables:
            rows = await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our own names
            left[table] = sorted(map(str, rows))
    return left


def _listed(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


async def test_a_thousand_trials_leave_no_row_blob_job_or_purchase(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside orders of customers, which stay as they are."""
    # A thousand pictures would take a minute; the rest of the way stays as it is.
    monkeypatch.setattr("image_service.providers.local.render", lambda *_: _PICTURE)
    provider = _Paid()
    settings = read_settings(
        {
            "IMAGE_DATABASE_URL": database_url,
            "IMAGE_BLOB_URL": f"{tmp_path}/blobs",
            "IMAGE_PROVIDER": "procedural",
            "IMAGE_GATEWAY_SECRET": _SECRET,
        }
    )
    app = create_app(settings, provider=provider, prices=_PRICES)
    database = open_database(make_url(database_url))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://images.test") as client,
    ):
        await client.post("/images", json=_ORDER)
        async with asyncio.timeout(10):
            # PgQueuer clears a ticket away a moment after its job is done.
            while (await _left(database, tmp_path)).get("pgqueuer"):
                pass
        before = await _left(database, tmp_path / "blobs")
        turns = asyncio.Semaphore(16)

        async def send(number: int) -> int:
            mark = write_mark(f"trial-{number}", expires_s=10**11, secret=_SECRET)
            headers = {"X-Figueira-Trial": mark, "Idempotency-Key": f"trial-{number}"}
            async with turns:
                return (await client.post("/images", json=_ORDER, headers=headers)).status_code

        answers = await asyncio.gather(*(send(number) for number in range(_TRIALS)))
        after = await _left(database, tmp_path / "blobs")
    await database.close()
    assert set(answers) == {200}
    assert after == before
    assert provider.calls == 1
