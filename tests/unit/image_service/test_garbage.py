"""What gc may delete, decided purely."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Collection
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.blobs import FolderBlobs
from image_service.blobs.garbage import LEAST_GRACE_S, candidates, garbage, sweep
from image_service.blobs.port import Listed, source_of
from image_service.database import open_database
from image_service.housekeeping import referred
from image_service.settings import Settings
from tests.unit.image_service.conftest import order

_HASHES = [digit * 64 for digit in "0123456789abcdef"]
_listed = st.builds(
    lambda sha256, recipe, put_at: Listed(key=sha256 + recipe, size_bytes=1, put_at=float(put_at)),
    st.sampled_from(_HASHES),
    st.sampled_from(["", "/v1-64x0-contain-webp"]),
    st.integers(0, 1000),
)


@given(st.lists(_listed), st.sets(st.sampled_from(_HASHES)), st.integers(0, 1000))
def test_garbage_is_old_and_nobodys(
    listed: list[Listed], referred: set[str], put_before: int
) -> None:
    """Neither what is young nor what a row names, and all of the rest."""
    doomed = garbage(candidates(listed, put_before=put_before), referred)
    for each in listed:
        is_needed = each.put_at >= put_before or source_of(each.key) in referred
        assert (each in doomed) == (not is_needed)


async def test_a_grace_that_is_too_short_is_refused(tmp_path: Path) -> None:
    async def referred(_: Collection[str]) -> set[str]:
        return set()

    with pytest.raises(ValueError, match="a grace of 60 s is shorter than 7200 s"):
        await sweep(FolderBlobs(tmp_path), referred, now=0.0, grace_s=60)


async def test_rows_are_asked_for_after_the_listing_and_in_batches(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    kept = {await blobs.put(b"%d" % number) for number in range(30)}
    asked: list[set[str]] = []

    async def referred(some: Collection[str]) -> set[str]:
        asked.append(set(some))
        return kept

    now = (tmp_path / "sha256").stat().st_mtime + LEAST_GRACE_S + 60
    swept = await sweep(blobs, referred, now=now, grace_s=LEAST_GRACE_S)
    assert (swept.seen, swept.deleted) == (30, 0)
    assert set().union(*asked) == kept


async def test_what_interrupted_writes_left_is_removed(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.check()
    left = tmp_path / "incoming" / "tmpabcdef"
    left.write_bytes(b"half a picture")

    async def referred(_: Collection[str]) -> set[str]:
        return set()

    born = left.stat().st_mtime
    assert (await sweep(blobs, referred, now=born)).leftovers == 0
    assert (await sweep(blobs, referred, now=born + 25 * 3600)).leftovers == 1
    assert not left.exists()


async def test_a_blob_that_is_put_while_gc_deletes_it_stays(tmp_path: Path) -> None:
    """Whoever puts it finds it old and there; from then on it is new."""
    blobs = FolderBlobs(tmp_path)
    sha256 = await blobs.put(b"a picture")
    path = tmp_path / "sha256" / sha256[:2] / sha256
    os.utime(path, (0, 0))
    [[old]] = [batch async for batch in blobs.list_all()]
    assert old.put_at == 0
    await blobs.put(b"a picture")
    assert not await blobs.delete(sha256, put_before=1.0)
    assert path.read_bytes() == b"a picture"


async def test_of_those_who_put_and_those_who_delete_at_once_the_former_win(
    tmp_path: Path,
) -> None:
    """Two threads, many times over: whoever was told that a blob is kept finds it."""
    blobs = FolderBlobs(tmp_path)
    for number in range(100):
        content = b"picture %d" % number
        sha256 = await blobs.put(content)
        os.utime(tmp_path / "sha256" / sha256[:2] / sha256, (0, 0))
        puts = [blobs.put(content) for _ in range(2)]
        await asyncio.gather(blobs.delete(sha256, put_before=1.0), *puts)
        assert await blobs.size_bytes(sha256) == len(content)


async def test_a_deleted_images_picture_goes_unless_another_image_shows_it(
    client: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    """Orders, deletions and gc together, as an operator has them."""
    ids = [await order(client, prompt) for prompt in ("praia", "praia", "serra")]
    tags = [(await client.get(f"/images/{image_id}/file")).headers["etag"] for image_id in ids]
    for tag in tags:
        assert (await client.get(f"/images/blobs/{tag.strip(chr(34))}.webp?w=64")).is_success
    for image_id in (ids[0], ids[2]):
        await client.delete(f"/images/{image_id}")
    database = open_database(settings.database)
    blobs = FolderBlobs(tmp_path / "blobs")
    tomorrow = (tmp_path / "blobs").stat().st_mtime + 25 * 3600
    swept = await sweep(blobs, functools.partial(referred, database), now=tomorrow)
    await database.close()
    assert (swept.seen, swept.deleted) == (4, 2)
    assert (await client.get(f"/images/{ids[1]}/file")).status_code == 200
    found = [await client.get(f"/images/blobs/{tag.strip(chr(34))}.webp?w=64") for tag in tags]
    assert [answer.status_code for answer in found] == [200, 200, 404]
