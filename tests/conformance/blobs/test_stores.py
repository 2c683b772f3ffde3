"""What the rest of the service relies on, whatever the store."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest

from image_service.blobs import BlobStore
from image_service.blobs.facts import read_all
from image_service.blobs.garbage import sweep
from image_service.blobs.port import Listed
from image_service.errors import MissingBlobError

# Longer than three pieces, and no multiple of one.
_CONTENT = bytes(range(256)) * 3500
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_DERIVATIVE = f"{_SHA256}/v1-64x0-contain-webp"
_DAY_S = 24 * 3600.0


async def _listed(blobs: BlobStore) -> list[Listed]:
    return [each async for batch in blobs.list_all() for each in batch]


def _now() -> float:
    return time.time()  # noqa: TID251 - stores date what they hold by the machine's clock


async def test_a_blob_comes_back_under_the_hash_of_its_content(blobs: BlobStore) -> None:
    assert await blobs.put(_CONTENT) == _SHA256
    assert await blobs.size_bytes(_SHA256) == len(_CONTENT)
    assert await read_all(blobs, _SHA256, len(_CONTENT)) == _CONTENT


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (0, 0), (262_143, 262_145), (300_000, 600_001), (895_999, 896_000)]
)
async def test_any_part_can_be_read(blobs: BlobStore, start: int, stop: int) -> None:
    await blobs.put(_CONTENT)
    pieces = [piece async for piece in blobs.read(_SHA256, start, stop)]
    assert b"".join(pieces) == _CONTENT[start:stop]


async def test_pieces_are_bounded(blobs: BlobStore) -> None:
    """A slow customer of a long picture holds one piece in memory, not the picture."""
    content = bytes(8 * 1024 * 1024)
    sha256 = await blobs.put(content)
    sizes = [len(piece) async for piece in blobs.read(sha256, 0, len(content))]
    assert sum(sizes) == len(content)
    assert max(sizes) <= 1024 * 1024 or len(sizes) == 1


async def test_a_blob_put_twice_is_kept_once(blobs: BlobStore) -> None:
    assert await blobs.put(_CONTENT) == await blobs.put(_CONTENT)
    assert [each.key for each in await _listed(blobs)] == [_SHA256]


async def test_forty_at_once_put_one_blob(blobs: BlobStore) -> None:
    assert set(await asyncio.gather(*(blobs.put(_CONTENT) for _ in range(40)))) == {_SHA256}
    assert len(await _listed(blobs)) == 1


async def test_the_first_derivative_stays(blobs: BlobStore) -> None:
    assert await blobs.put_derivative(_DERIVATIVE, b"first")
    assert not await blobs.put_derivative(_DERIVATIVE, b"second")
    assert await read_all(blobs, _DERIVATIVE, 5) == b"first"


async def test_of_many_who_make_a_derivative_one_is_first(blobs: BlobStore) -> None:
    contents = [b"%05d" % number for number in range(20)]
    were_first = await asyncio.gather(
        *(blobs.put_derivative(_DERIVATIVE, content) for content in contents)
    )
    assert were_first.count(True) == 1
    assert await read_all(blobs, _DERIVATIVE, 5) == contents[were_first.index(True)]


async def test_what_is_not_there_is_missing(blobs: BlobStore) -> None:
    for key in (_SHA256, _DERIVATIVE):
        with pytest.raises(MissingBlobError):
            await blobs.size_bytes(key)
        with pytest.raises(MissingBlobError):
            await read_all(blobs, key, 1)


async def test_a_blob_that_is_too_short_is_missing(blobs: BlobStore) -> None:
    """Its reader must not take the first half for the whole."""
    await blobs.put(_CONTENT)
    with pytest.raises(MissingBlobError):
        await read_all(blobs, _SHA256, len(_CONTENT) + 1)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ab",
        "../../etc/passwd",
        _SHA256.upper(),
        f"{_SHA256}\n",
        f"{_SHA256}/",
        f"{_SHA256}/..",
        f"{_SHA256}/../{_SHA256}",
        f"{_SHA256}/a/b",
        f"{_SHA256}/a.webp",
        f"../{_SHA256}",
        f"{_SHA256}/%2e%2e",
        f"{_SHA256}/a\0b",
        f"{_SHA256}\\..",
    ],
)
async def test_what_is_no_key_never_reaches_the_store(blobs: BlobStore, key: str) -> None:
    with pytest.raises(MissingBlobError):
        await blobs.size_bytes(key)
    with pytest.raises(MissingBlobError):
        await read_all(blobs, key, 1)
    with pytest.raises(MissingBlobError):
        await blobs.put_derivative(key, b"x")
    with pytest.raises(MissingBlobError):
        await blobs.delete(key, put_before=_now() + _DAY_S)
    assert await _listed(blobs) == []


async def test_all_that_is_kept_is_listed(blobs: BlobStore) -> None:
    before = _now()
    await blobs.put(_CONTENT)
    await blobs.put(b"another")
    await blobs.put_derivative(_DERIVATIVE, b"small")
    await blobs.check()
    listed = await _listed(blobs)
    assert {(each.key, each.size_bytes) for each in listed} == {
        (_SHA256, len(_CONTENT)),
        (hashlib.sha256(b"another").hexdigest(), 7),
        (_DERIVATIVE, 5),
    }
    # S3 dates to the second.
    assert all(before - 1 <= each.put_at <= _now() + 1 for each in listed)


async def test_what_was_put_since_is_not_deleted(blobs: BlobStore) -> None:
    await blobs.put(_CONTENT)
    assert not await blobs.delete(_SHA256, put_before=_now() - 60)
    assert await read_all(blobs, _SHA256, len(_CONTENT)) == _CONTENT


async def test_what_is_old_is_deleted_once(blobs: BlobStore) -> None:
    await blobs.put(_CONTENT)
    await blobs.put_derivative(_DERIVATIVE, b"small")
    for key in (_SHA256, _DERIVATIVE):
        assert await blobs.delete(key, put_before=_now() + 60)
        assert not await blobs.delete(key, put_before=_now() + 60)
    assert await _listed(blobs) == []
    assert await blobs.put_derivative(_DERIVATIVE, b"again")


async def test_gc_deletes_what_no_row_names_and_nothing_else(blobs: BlobStore) -> None:
    orphan = await blobs.put(b"nobody's")
    await blobs.put(_CONTENT)
    await blobs.put_derivative(_DERIVATIVE, b"small")
    await blobs.put_derivative(f"{orphan}/v1-64x0-contain-webp", b"smaller")

    async def referred(_: object) -> set[str]:
        return {_SHA256}

    tomorrow = _now() + _DAY_S + 60
    for dry_run in (True, False):
        swept = await sweep(blobs, referred, now=tomorrow, dry_run=dry_run)
        assert (swept.seen, swept.deleted, swept.deleted_bytes) == (4, 2, 15)
    assert {each.key for each in await _listed(blobs)} == {_SHA256, _DERIVATIVE}


async def test_gc_never_deletes_what_was_just_put(blobs: BlobStore) -> None:
    """Its row may be committed a moment later."""

    async def referred(_: object) -> set[str]:
        return set()

    await blobs.put(_CONTENT)
    swept = await sweep(blobs, referred, now=_now())
    assert (swept.seen, swept.deleted) == (1, 0)


async def test_a_working_store_passes_its_check(blobs: BlobStore) -> None:
    await blobs.check()
