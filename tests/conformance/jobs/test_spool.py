"""A blob store that takes nothing for a while: what is bought meanwhile is not lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conformance.jobs.killing import FINAL, Crew, crew, settings_for
from tests.support.aws import running_aws
from tests.support.failing_s3 import switched_s3
from tests.support.fake_openai import FakeOpenAI

_PATIENCE_S = 30.0
_ASYNC = {"Prefer": "respond-async"}
_ORDERS = 3


class BrokenFolder:
    """A folder of blobs that can be made to refuse every write, also those of root."""

    def __init__(self, folder: Path) -> None:
        self._originals = folder / "sha256"
        self._aside = folder / "aside"

    def break_(self) -> None:
        """Put a file where the folder was: whatever is put fails from now on."""
        if self._originals.exists():
            self._originals.rename(self._aside)
        self._originals.parent.mkdir(exist_ok=True)
        self._originals.write_bytes(b"")

    def mend(self) -> None:
        """Put the folder back."""
        self._originals.unlink()
        if self._aside.exists():
            self._aside.rename(self._originals)


async def _until(is_so: Callable[[dict[str, object]], bool], job_url: str) -> dict[str, object]:
    async with asyncio.timeout(_PATIENCE_S), httpx.AsyncClient() as client:
        while True:
            answer = await client.get(job_url, headers={"Prefer": "wait=1"})
            job: dict[str, object] = answer.json()
            if is_so(job):
                return job


def _is_paid(job: Mapping[str, object]) -> bool:
    return job["cost_usd"] != 0


async def _books(url: str) -> tuple[int, int, int, int]:
    """Return what is reserved and spent of everybody, the attempts' sum, and the spool's length."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        reserved, spent = (
            await connection.execute(
                text("SELECT reserved, spent FROM accounts WHERE customer = '*'")
            )
        ).one()
        attempts = await connection.scalar(text("SELECT sum(cost) FROM attempts"))
        spooled = await connection.scalar(text("SELECT count(*) FROM spooled_pictures"))
    await engine.dispose()
    assert attempts is not None
    assert spooled is not None
    return reserved, spent, attempts, spooled


async def _order(port: int, marker: str) -> str:
    url = f"http://127.0.0.1:{port}"
    order = {"prompt": f"praia marker={marker}", "size": "256x256"}
    async with httpx.AsyncClient(timeout=_PATIENCE_S) as client:
        answer = await client.post(f"{url}/images", json=order, headers=_ASYNC)
        assert answer.status_code == 202, answer.text
        return f"{url}{answer.headers['location']}"


def _restart(team: Crew, port: int) -> None:
    """Kill -9, and start again in front of whatever store there is: it has to be well to start."""
    team.kill(f"service {port}")
    team.start_service(port)


async def test_a_picture_that_the_store_refuses_is_kept_over_a_restart_and_bought_once(
    database_url: str, tmp_path: Path
) -> None:
    folder = BrokenFolder(tmp_path / "blobs")
    with FakeOpenAI() as fake, ExitStack() as stack:
        team = crew(stack, settings_for(database_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        folder.break_()
        urls = [await _order(port, f"m{number}") for number in range(_ORDERS)]
        paid = [await _until(_is_paid, url) for url in urls]
        assert {job["status"] for job in paid} == {"running"}
        reserved, spent, attempts, spooled = await _books(database_url)
        assert (reserved, spent, spooled) == (0, attempts, _ORDERS)
        await asyncio.to_thread(_restart, team, port)
        for url in urls:
            assert (await _until(_is_paid, url))["status"] == "running"
        folder.mend()
        for url in urls:
            job = await _until(lambda said: said["status"] in FINAL, url)
            assert job["status"] == "succeeded"
            assert job["attempts"] == 1
        assert fake.purchases() == {f"m{number}": 1 for number in range(_ORDERS)}
        assert await _books(database_url) == (0, spent, attempts, 0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for image in (await client.get("/images")).json():
                assert image["status"] == "pronta"
                assert (await client.get(image["url"])).headers["content-type"] == "image/png"


async def test_who_waits_for_the_answer_gets_it_when_the_store_is_well_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The monolith's way and OpenAI's: both are held, none is told to order again."""
    folder = BrokenFolder(tmp_path / "blobs")
    with FakeOpenAI() as fake, ExitStack() as stack:
        team = crew(stack, settings_for(sqlite_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        folder.break_()
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, timeout=_PATIENCE_S) as client:
            orders = asyncio.gather(
                client.post("/images", json={"prompt": "marker=m1", "size": "256x256"}),
                client.post("/v1/images/generations", json={"prompt": "marker=m2"}),
            )
            async with asyncio.timeout(_PATIENCE_S):
                while "spooled_pictures 2.0" not in (await client.get("/metrics")).text:
                    pass
            folder.mend()
            shop, sdk = await orders
        assert (shop.status_code, shop.json()["status"]) == (200, "pronta")
        assert (sdk.status_code, len(sdk.json()["data"])) == (200, 1)
        assert fake.purchases() == {"m1": 1, "m2": 1}


async def test_a_service_that_is_stopped_while_the_store_hangs_has_the_picture_when_it_is_back(
    sqlite_url: str, tmp_path: Path
) -> None:
    """SIGTERM in the middle: the picture is in the database before the process ends."""
    folder = BrokenFolder(tmp_path / "blobs")
    with FakeOpenAI(delay_s=0.3) as fake, ExitStack() as stack:
        team = crew(stack, settings_for(sqlite_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        folder.break_()
        url = await _order(port, "m1")
        await asyncio.to_thread(team.processes[f"service {port}"].stop)
        folder.mend()
        await asyncio.to_thread(team.start_service, port)
        job = await _until(lambda said: said["status"] in FINAL, url)
        assert (job["status"], fake.purchases()) == ("succeeded", {"m1": 1})


async def test_where_the_database_refuses_as_well_the_picture_waits_in_memory(
    sqlite_url: str, tmp_path: Path
) -> None:
    """As on one disk that is full for both; the store is the first to be well again."""
    folder = BrokenFolder(tmp_path / "blobs")
    with FakeOpenAI(delay_s=3.0) as fake, ExitStack() as stack:
        team = crew(stack, settings_for(sqlite_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        folder.break_()
        url = await _order(port, "m1")
        await _until(lambda said: said["status"] == "running", url)
        # Nobody else may write as long as this is open; the service waits five seconds for it.
        with closing(sqlite3.connect(tmp_path / "images.db", isolation_level=None)) as another:
            another.execute("BEGIN IMMEDIATE")
            process = team.processes[f"service {port}"]
            await asyncio.to_thread(process.wait_for_line, r".* settle_failed job=.*")
            folder.mend()
        job = await _until(lambda said: said["status"] in FINAL, url)
        assert (job["status"], fake.purchases()) == ("succeeded", {"m1": 1})
        assert (await _books(sqlite_url))[3] == 0


async def test_a_bucket_that_answers_503_gets_the_picture_when_it_is_well_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    with FakeOpenAI() as fake, ExitStack() as stack:
        aws = stack.enter_context(running_aws(tmp_path))
        where = {"LocationConstraint": "eu-west-1"}
        aws.client("s3").create_bucket(Bucket="pictures", CreateBucketConfiguration=where)
        bucket = stack.enter_context(switched_s3(("127.0.0.1", aws.port)))
        settings = {
            **settings_for(sqlite_url, tmp_path, fake),
            **aws.environ,
            "AWS_ENDPOINT_URL": bucket.url,
            "IMAGE_BLOB_URL": "s3://pictures/shop",
        }
        team = crew(stack, settings, tmp_path)
        [port] = team.serving
        team.start()
        bucket.break_()
        url = await _order(port, "m1")
        assert (await _until(_is_paid, url))["status"] == "running"
        assert (await _books(sqlite_url))[3] == 1
        bucket.mend()
        job = await _until(lambda said: said["status"] in FINAL, url)
        assert (job["status"], fake.purchases()) == ("succeeded", {"m1": 1})
        assert (await _books(sqlite_url))[3] == 0


async def test_what_a_kept_picture_was_made_of_is_kept_as_well(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = BrokenFolder(tmp_path / "blobs")
    with FakeOpenAI() as fake, ExitStack() as stack:
        team = crew(stack, settings_for(sqlite_url, tmp_path, fake), tmp_path)
        [port] = team.serving
        team.start()
        folder.break_()
        fake.script("m1", "webp")
        url = await _order(port, "m1")
        await _until(_is_paid, url)
        folder.mend()
        await _until(lambda said: said["status"] == "succeeded", url)
        engine = create_async_engine(sqlite_url)
        async with engine.connect() as connection:
            row = (
                await connection.execute(text("SELECT sha256, original_sha256 FROM images"))
            ).one()
        await engine.dispose()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            types = [
                (await client.get(f"/images/blobs/{sha256}")).headers["content-type"]
                for sha256 in row
            ]
        assert types == ["image/png", "image/webp"]
