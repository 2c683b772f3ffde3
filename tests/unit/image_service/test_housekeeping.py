"""What the service lets go of, and the commands that operators run."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from image_service.cli import app
from image_service.contract import SIZES, Order
from image_service.housekeeping import Cleaned, clean, known, referred
from image_service.jobs.idempotency import KEPT_S, claim_of
from image_service.jobs.rows import ClaimRow, JobRow
from image_service.migrations import HEAD
from image_service.orders import Wish
from image_service.providers.procedural import render
from tests.support.shop_orders import Bench, open_bench
from tests.unit.image_service.conftest import PRICES, FakeProvider

_DAY_S = 24 * 3600.0
_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)


@pytest.fixture
def database_url(empty_database: Path, tmp_path: Path) -> str:
    path = tmp_path / "images.db"
    path.write_bytes(empty_database.read_bytes())
    return f"sqlite+aiosqlite:///{path}"


@asynccontextmanager
async def _after_orders(database_url: str, *, has_image: bool = True) -> AsyncIterator[Bench]:
    """Three finished orders under keys, and one that waits."""
    async with open_bench(database_url, provider=FakeProvider(), prices=PRICES) as bench:
        bench.workshop.start()
        for number in range(3):
            claim = claim_of(customer="c:1", key=str(number), request=b"")
            wish = Wish(order=_ORDER, customer="c:1", claim=claim, has_image=has_image)
            receipt = await bench.orders.submit(wish)
            await bench.orders.wait(receipt.job_id, timeout_s=5)
        await bench.workshop.stop(0.0)
        await bench.orders.submit(Wish(order=_ORDER, customer="c:1"))
        yield bench


async def test_finished_jobs_go_when_nobody_can_ask_for_them_any_more(database_url: str) -> None:
    """Images, the ledger, and what still waits stay."""
    async with _after_orders(database_url) as bench:
        async with bench.database.write() as connection:
            await connection.execute(
                update(JobRow).where(JobRow.finished_at.is_not(None)).values(finished_at=1000.0)
            )
            await connection.execute(update(ClaimRow).values(created_at=1000.0))
        keep_s = 3 * _DAY_S
        assert await clean(bench.database, now=1000.0 + KEPT_S, keep_s=keep_s) == Cleaned(
            jobs=0, claims=0
        )
        late = 1000.0 + keep_s + 1
        counted = await clean(bench.database, now=late, keep_s=keep_s, dry_run=True)
        assert counted == Cleaned(jobs=3, claims=3)
        assert await clean(bench.database, now=late, keep_s=keep_s) == counted
        async with bench.database.read() as connection:
            left = {
                table: await connection.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own names
                for table in ("jobs", "job_events", "idempotency_claims", "attempts", "images")
            }
    assert left == {
        "jobs": 1,
        "job_events": 0,
        "idempotency_claims": 0,
        "attempts": 3,
        "images": 4,
    }


@pytest.mark.parametrize("has_image", [True, False])
async def test_a_picture_is_kept_for_its_image_or_for_a_job_without_one(
    database_url: str, *, has_image: bool
) -> None:
    async with _after_orders(database_url, has_image=has_image) as bench:
        async with bench.database.read() as connection:
            [sha256] = set(
                await connection.scalars(text("SELECT sha256 FROM jobs WHERE sha256 IS NOT NULL"))
            )
        assert await referred(bench.database, [sha256, "ab" * 32]) == {sha256}
        if has_image:
            for image in await bench.store.page(after=0):
                await bench.orders.remove_image(image.image_id)
            assert await referred(bench.database, [sha256]) == set()


async def _with_partial(bench: Bench, provider: FakeProvider) -> tuple[str, int | None]:
    """A finished order that showed a picture on the way: that one's sha256, and the image."""
    on_the_way = render("praia", 64, 64)
    provider.partials = [on_the_way]
    bench.workshop.start()
    wish = Wish(order=_ORDER, customer="c:1", wants_partials=True)
    receipt = await bench.orders.submit(wish)
    await bench.orders.wait(receipt.job_id, timeout_s=5)
    await bench.workshop.stop(0.0)
    return hashlib.sha256(on_the_way).hexdigest(), receipt.image_id


async def test_a_picture_on_the_way_is_kept_as_long_as_the_event_that_tells_of_it(
    database_url: str,
) -> None:
    """Long after a blob without a row would have gone, until the second in which its job goes."""
    provider = FakeProvider()
    async with open_bench(database_url, provider=provider, prices=PRICES) as bench:
        shown, _ = await _with_partial(bench, provider)
        async with bench.database.write() as connection:
            await connection.execute(update(JobRow).values(finished_at=1000.0))
        keep_s = 3 * _DAY_S
        await clean(bench.database, now=1000.0 + keep_s, keep_s=keep_s)
        assert await referred(bench.database, [shown, "ab" * 32]) == {shown}
        await clean(bench.database, now=1000.0 + keep_s + 0.001, keep_s=keep_s)
        assert await referred(bench.database, [shown]) == set()


async def test_a_picture_on_the_way_to_a_deleted_image_is_not_kept(database_url: str) -> None:
    provider = FakeProvider()
    async with open_bench(database_url, provider=provider, prices=PRICES) as bench:
        shown, image_id = await _with_partial(bench, provider)
        assert image_id is not None
        assert await referred(bench.database, [shown]) == {shown}
        await bench.orders.remove_image(image_id)
        assert await referred(bench.database, [shown]) == set()


@pytest.fixture
def shop(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_DATABASE_URL", database_url)
    monkeypatch.setenv("IMAGE_BLOB_URL", str(tmp_path / "blobs"))
    monkeypatch.setenv("IMAGE_PROVIDER", "procedural")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["migrate"], "The database is up to date.\n"),
        (["gc"], "0 finished jobs, 0 keys, 0 of 0 pictures (0.0 MB) deleted.\n"),
        (
            ["gc", "--dry-run"],
            "0 finished jobs, 0 keys, 0 of 0 pictures (0.0 MB) would be deleted.\n",
        ),
    ],
)
async def test_operators_are_told_what_was_done(arguments: list[str], says: str) -> None:
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert (done.exit_code, done.stdout) == (0, says)


@pytest.mark.usefixtures("shop")
async def test_gc_does_not_delete_the_pictures_of_another_database(tmp_path: Path) -> None:
    """A variable forgotten, and every picture that was ever paid for would look like garbage."""
    kept = tmp_path / "blobs" / "sha256" / "ab" / ("ab" * 32)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a picture")
    os.utime(kept, (1000.0, 1000.0))
    for arguments in (["gc"], ["gc", "--dry-run"]):
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert done.exit_code == 1
        assert "the database knows none of the pictures that are kept there" in done.stderr
    assert kept.exists()
    done = await asyncio.to_thread(CliRunner().invoke, app, ["gc", "--even-all"])
    assert "1 of 1 pictures" in done.stdout
    assert not kept.exists()


@pytest.mark.parametrize("has_image", [True, False])
async def test_a_database_knows_its_pictures_also_after_they_were_deleted(
    database_url: str, *, has_image: bool
) -> None:
    async with _after_orders(database_url, has_image=has_image) as bench:
        async with bench.database.read() as connection:
            own = set(
                await connection.scalars(text("SELECT sha256 FROM jobs WHERE sha256 IS NOT NULL"))
            )
        for image in await bench.store.page(after=0):
            await bench.orders.remove_image(image.image_id)
        assert await known(bench.database, [*own, "ab" * 32]) == own


@pytest.mark.usefixtures("shop")
async def test_a_database_of_a_later_version_is_not_touched(database_url: str) -> None:
    with closing(sqlite3.connect(database_url.partition("///")[2])) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '0999'")
    done = await asyncio.to_thread(CliRunner().invoke, app, ["migrate"])
    assert done.exit_code == 1
    assert done.stderr == (
        f"image_service: IMAGE_DATABASE_URL ({database_url}): its tables are at revision 0999, "
        f"this version knows them up to {HEAD}; start the version that changed them, or a later "
        "one\n"
    )


@pytest.mark.usefixtures("shop")
async def test_a_command_that_cannot_begin_says_why_on_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IMAGE_LEASE_S", "forever")
    done = await asyncio.to_thread(CliRunner().invoke, app, ["worker"])
    assert done.exit_code == 1
    assert done.stderr == (
        "image_service: IMAGE_LEASE_S: 'forever' is not a number from 1 to 3600; "
        "set such a number, or unset it\n"
    )
