"""Blobs as files: ``<folder>/sha256/ab/abcdef...``; derivatives under ``<folder>/derived``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from image_service.blobs.port import Listed, key_of, path_of, source_of
from image_service.errors import MissingBlobError

# Each piece is a turn of a thread, and is what one slow customer holds in memory.
PIECE_BYTES = 128 * 1024
# A disk flushes one after the other; more threads would only keep others from their turn.
_WRITTEN_AT_ONCE = 4


class FolderBlobs:
    """A blob store in a folder of a file system that has hard links."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        # Beside the blobs, so that a finished file can be linked into its place.
        self._incoming = folder / "incoming"
        self._writing = CapacityLimiter(_WRITTEN_AT_ONCE)

    async def put(self, content: bytes) -> str:
        """Write to a temporary file, flush it to disk, link it: never half a blob."""
        return await to_thread.run_sync(self._put, content, limiter=self._writing)

    def _put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        try:
            # Now it is new to gc as well, which may have had an eye on it.
            os.utime(path)
        except FileNotFoundError:
            self._write(path, content)
        return sha256

    async def put_derivative(self, key: str, content: bytes) -> bool:
        """Write as a blob is written."""
        return await to_thread.run_sync(self._write, self._path(key), content)

    def _write(self, path: Path, content: bytes) -> bool:
        """Write a file that is complete as soon as it can be seen; False if one is there."""
        _make_folder(path.parent)
        self._incoming.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _link(temporary, path)
        except FileExistsError:
            return False
        finally:
            with suppress(OSError):
                os.unlink(temporary)
        _sync_folder(path.parent)
        return True

    async def size_bytes(self, key: str) -> int:
        """Return the file's size."""
        try:
            status = await to_thread.run_sync(os.stat, self._path(key))
        except FileNotFoundError as error:
            raise MissingBlobError(key) from error
        return status.st_size

    async def read(self, key: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Read the file in pieces, each in a thread."""
        file, piece = await to_thread.run_sync(self._open, key, start, stop)
        with file:
            while True:
                if not piece and start < stop:
                    raise MissingBlobError(key)
                start += len(piece)
                yield piece
                if start >= stop:
                    return
                piece = await to_thread.run_sync(file.read, min(PIECE_BYTES, stop - start))

    def _open(self, key: str, start: int, stop: int) -> tuple[BufferedReader, bytes]:
        """Open a file and read its first piece, in one turn."""
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise MissingBlobError(key) from error
        try:
            file.seek(start)
            return file, file.read(min(PIECE_BYTES, stop - start))
        except BaseException:
            file.close()
            raise

    async def list_all(self) -> AsyncIterator[Sequence[Listed]]:
        """List folder by folder."""
        for kind in ("sha256", "derived"):
            for folder in await to_thread.run_sync(_folders, self._root / kind):
                batch = await to_thread.run_sync(self._listed, folder)
                if batch:
                    yield batch

    def _listed(self, folder: Path) -> list[Listed]:
        listed = []
        for path in folder.rglob("*"):
            key = key_of(path.relative_to(self._root).as_posix())
            with suppress(FileNotFoundError):
                status = path.stat()
                if key is not None and path.is_file():
                    listed.append(
                        Listed(key=key, size_bytes=status.st_size, put_at=status.st_mtime)
                    )
        return listed

    async def delete(self, key: str, *, put_before: float) -> bool:
        """Move the file away, look when it was put, and only then unlink it.

        Whoever puts the same content meanwhile either finds nothing and writes it anew, or is
        found out by the look, and the file goes back.
        """
        return await to_thread.run_sync(self._delete, key, put_before)

    def _delete(self, key: str, put_before: float) -> bool:
        path = self._path(key)
        self._incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._incoming) as folder:
            aside = Path(folder) / "aside"
            try:
                path.rename(aside)
            except FileNotFoundError:
                return False
            try:
                is_new = aside.stat().st_mtime >= put_before
            except FileNotFoundError:
                # Another gc tidied it away: it was old.
                return True
            if is_new:
                with suppress(FileExistsError):
                    os.link(aside, path)
                return False
        if key != source_of(key):
            # The last derivative of a blob leaves an empty folder.
            with suppress(OSError):
                path.parent.rmdir()
        return True

    async def tidy(self, *, before: float) -> int:
        """Remove temporary files that nobody writes any more."""
        return await to_thread.run_sync(self._tidy, before)

    def _tidy(self, before: float) -> int:
        removed = 0
        for path in self._incoming.rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    async def sign(self, key: str, *, expires_s: int) -> str | None:
        """Files have no URL of their own."""
        del key, expires_s
        return None

    async def check(self) -> None:
        """Write, link and remove a small file."""
        await to_thread.run_sync(self._check)

    def _check(self) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._incoming) as folder:
            file = Path(folder) / "check"
            file.write_bytes(b"check")
            # Not every network file system can, and then no picture could be kept.
            os.link(file, file.with_suffix(".linked"))

    def _path(self, key: str) -> Path:
        return self._root / path_of(key)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _link(temporary: str, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileNotFoundError:
        # The folder was empty until now, and was removed for it.
        _make_folder(path.parent)
        os.link(temporary, path)


def _make_folder(folder: Path) -> None:
    """Make a folder that is there after a power cut, too."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Flush the folder's own entries: a new name is only durable with it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
