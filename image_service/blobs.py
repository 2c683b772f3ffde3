"""Where pictures are kept: a port, and a folder that implements it.

A blob is named by the sha256 of its content, so it never changes and is written once however
often it is put. Nothing is ever deleted here: a blob that no row refers to is left for a later
clean-up, which alone can see all rows.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from image_service.errors import MissingBlobError

_CHUNK_BYTES = 64 * 1024  # as much as a socket's buffer takes at once
_SHA256 = re.compile("[0-9a-f]{64}")


class BlobStore(Protocol):
    """Keeps immutable bytes under the sha256 of their content, in lower-case hexadecimal."""

    async def put(self, content: bytes) -> str:
        """Keep ``content`` durably and return its sha256; harmless when it is there already."""

    async def size_bytes(self, sha256: str) -> int:
        """Return a blob's size.

        Raises:
            MissingBlobError: There is no such blob.
        """

    def read(self, sha256: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Read the bytes from ``start`` up to, not including, ``stop``, in pieces.

        Raises:
            MissingBlobError: There is no such blob, or it is shorter than ``stop``.
        """

    async def check(self) -> None:
        """Try to write.

        Raises:
            OSError: The store cannot keep anything at present.
        """


class FolderBlobs:
    """Blobs as files: ``<folder>/sha256/ab/abcdef...``."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "sha256"
        # Beside the blobs, so that a finished file can be renamed into its place.
        self._incoming = folder / "incoming"

    async def put(self, content: bytes) -> str:
        """Write to a temporary file, flush it to disk, rename it: never half a blob."""
        return await to_thread.run_sync(self._put, content)

    def _put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)
        return sha256

    async def size_bytes(self, sha256: str) -> int:
        """Return the file's size."""
        try:
            status = await to_thread.run_sync(os.stat, self._path(sha256))
        except FileNotFoundError as error:
            raise MissingBlobError(sha256) from error
        return status.st_size

    async def read(self, sha256: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Read the file in pieces, each in a thread."""
        try:
            file = await to_thread.run_sync(self._path(sha256).open, "rb")
        except FileNotFoundError as error:
            raise MissingBlobError(sha256) from error
        with file:
            await to_thread.run_sync(file.seek, start)
            while start < stop:
                piece = await to_thread.run_sync(file.read, min(_CHUNK_BYTES, stop - start))
                if not piece:
                    raise MissingBlobError(sha256)
                start += len(piece)
                yield piece

    async def check(self) -> None:
        """Write and remove a small file."""
        await to_thread.run_sync(self._check)

    def _check(self) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._incoming) as file:
            file.write(b"check")
            file.flush()

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise MissingBlobError(sha256)
        return self._root / sha256[:2] / sha256


def _sync_folder(folder: Path) -> None:
    """Flush the folder's own entry: a rename is only durable with it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
