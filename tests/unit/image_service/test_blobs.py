"""The folder of blobs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from image_service.blobs import FolderBlobs
from image_service.errors import MissingBlobError

_CONTENT = bytes(range(256)) * 1000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


async def _read(blobs: FolderBlobs, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in blobs.read(_SHA256, start, stop)])


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_a_blob_is_found_under_the_hash_of_its_content(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    assert await blobs.put(_CONTENT) == _SHA256
    assert _files(tmp_path) == {f"sha256/{_SHA256[:2]}/{_SHA256}"}
    assert await blobs.size_bytes(_SHA256) == len(_CONTENT)


async def test_a_blob_put_twice_is_kept_once(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    assert await blobs.put(_CONTENT) == await blobs.put(_CONTENT)
    assert len(_files(tmp_path)) == 1


@pytest.mark.parametrize(
    ("start", "stop"), [(0, len(_CONTENT)), (0, 1), (100_000, 200_001), (255_999, 256_000)]
)
async def test_any_part_of_a_blob_can_be_read(tmp_path: Path, start: int, stop: int) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put(_CONTENT)
    assert await _read(blobs, start, stop) == _CONTENT[start:stop]


async def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        await FolderBlobs(tmp_path).put(_CONTENT)
    assert _files(tmp_path) == set()


async def test_a_blob_that_is_not_there_is_missing(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(MissingBlobError):
        await blobs.size_bytes(_SHA256)
    with pytest.raises(MissingBlobError):
        await _read(blobs, 0, 1)


async def test_a_blob_that_was_cut_short_is_missing(tmp_path: Path) -> None:
    """Its reader must not take the first half for the whole."""
    blobs = FolderBlobs(tmp_path)
    await blobs.put(_CONTENT)
    os.truncate(tmp_path / "sha256" / _SHA256[:2] / _SHA256, 1000)
    with pytest.raises(MissingBlobError):
        await _read(blobs, 0, len(_CONTENT))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", _SHA256.upper(), _SHA256 + "\n", "ab"])
async def test_a_name_that_is_no_hash_never_reaches_the_disk(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingBlobError):
        await FolderBlobs(tmp_path).size_bytes(name)


async def test_the_check_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        await FolderBlobs(tmp_path / "file" / "blobs").check()


async def test_the_check_fails_where_nothing_can_be_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network file systems cannot: the service says so at its start, not at an order."""

    def refuse(_file: Path, _link: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(PermissionError):
        await FolderBlobs(tmp_path).check()
    assert _files(tmp_path) == set()
