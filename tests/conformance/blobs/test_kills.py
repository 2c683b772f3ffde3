"""A process that is killed while it puts leaves whole blobs, and what gc removes."""

from __future__ import annotations

import hashlib
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from image_service.blobs import FolderBlobs
from image_service.blobs.garbage import sweep
from tests.support.processes import running

_PUTTING = """
import asyncio, os, sys
from pathlib import Path
from image_service.blobs import FolderBlobs

async def put_all():
    blobs = FolderBlobs(Path(sys.argv[1]))
    for number in range(100_000):
        sha256 = await blobs.put(os.urandom(300_000))
        await blobs.put_derivative(sha256 + "/v1-64x0-contain-webp", os.urandom(30_000))
        print("kept", number, flush=True)

asyncio.run(put_all())
"""


@pytest.mark.parametrize("after", [1, 3, 7])
async def test_whatever_was_there_is_whole(tmp_path: Path, after: int) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{_PUTTING}"]
    folder = tmp_path / "blobs"
    with running([*command, str(folder)], folder=tmp_path) as process:
        process.wait_for_line(rf"kept {after}")
        process.stop(signal.SIGKILL)
        kept = sum(line.startswith("kept") for line in process.stdout)
    blobs = FolderBlobs(folder)
    found = [each async for batch in blobs.list_all() for each in batch]
    originals = [each.key for each in found if "/" not in each.key]
    assert len(originals) >= kept > after
    for key in originals:
        path = folder / "sha256" / key[:2] / key
        assert hashlib.sha256(path.read_bytes()).hexdigest() == key
    assert {each.size_bytes for each in found} <= {300_000, 30_000}

    async def referred(_: Collection[str]) -> list[str]:
        return originals

    tomorrow = time.time() + 25 * 3600  # noqa: TID251 - files are dated by it
    swept = await sweep(blobs, referred, now=tomorrow)
    assert swept.deleted == 0
    assert list((folder / "incoming").iterdir()) == []
