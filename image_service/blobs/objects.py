"""Blobs as objects of S3, or of any other store that obstore knows.

Importing this module imports obstore, which only those who name a bucket have installed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import MemoryStore, S3Store

from image_service.blobs.place import S3Place
from image_service.blobs.port import REFRESH_AFTER_S, Listed, key_of, path_of
from image_service.errors import BlobStoreError, MissingBlobError
from image_service.media import SNIFF_BYTES, media_type_of

# What one slow customer holds in memory; obstore reads no further ahead.
_PIECE_BYTES = 256 * 1024
_LIST_BATCH = 1000  # a page of ListObjectsV2
_CONNECT_TIMEOUT = timedelta(seconds=2)
_SILENCE_TIMEOUT = timedelta(seconds=10)
# Of one whole request with its body: as long as the slowest customer may take to read a picture.
_LONGEST_TRANSFER = timedelta(hours=1)
_RETRIES = 2
_RETRY_FOR = timedelta(seconds=20)
_CHECK = "check"
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")


def open_bucket(place: S3Place) -> S3Store:
    """Open a bucket; nothing is asked of it yet.

    Raises:
        ValueError: The AWS_ variables contradict each other.
    """
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config={} if place.endpoint is None else {"endpoint": place.endpoint},
        # A picture is whole or it is not there: an answer cut short is asked for again.
        client_options={
            # Only for who wrote an http URL: a test server, or one in the same pod.
            "allow_http": (place.endpoint or "").startswith("http://"),
            "connect_timeout": _CONNECT_TIMEOUT,
            "read_timeout": _SILENCE_TIMEOUT,
            "timeout": _LONGEST_TRANSFER,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
    )


class ObjectBlobs:
    """A blob store in a bucket; writes are conditional, so that no object is ever replaced."""

    def __init__(self, store: S3Store | MemoryStore, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    async def put(self, content: bytes) -> str:
        """Create the object; one that is there and old is written once more."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not await self._create(sha256, content):
            put_at = await self._put_at(sha256)
            if put_at is None or put_at < self._clock() - REFRESH_AFTER_S:
                with _failing("put"):
                    await self._store.put_async(
                        path_of(sha256), content, attributes=_attributes(content)
                    )
        return sha256

    async def put_derivative(self, key: str, content: bytes) -> bool:
        """Create the object unless there is one."""
        return await self._create(key, content)

    async def _create(self, key: str, content: bytes) -> bool:
        with _failing("put"):
            try:
                await self._store.put_async(
                    path_of(key), content, mode="create", attributes=_attributes(content)
                )
            except AlreadyExistsError:
                return False
        return True

    async def size_bytes(self, key: str) -> int:
        """Return the object's size."""
        path = path_of(key)
        with _failing("head", missing=key):
            return (await self._store.head_async(path))["size"]

    async def read(self, key: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Read the object as its customer does: no faster, and not into memory."""
        path = path_of(key)
        if start >= stop:
            return
        with _failing("read", missing=key):
            answer = await self._store.get_async(path, options={"range": (start, stop)})
            async for piece in answer.stream(min_chunk_size=_PIECE_BYTES):
                start += len(piece)
                yield bytes(piece)
        if start < stop:
            raise MissingBlobError(key)

    async def list_all(self) -> AsyncIterator[Sequence[Listed]]:
        """List page by page."""
        for kind in ("sha256", "derived"):
            with _failing("list"):
                async for page in self._store.list(kind, chunk_size=_LIST_BATCH):
                    listed = [
                        Listed(
                            key=key,
                            size_bytes=each["size"],
                            put_at=each["last_modified"].timestamp(),
                        )
                        for each in page
                        if (key := key_of(each["path"])) is not None
                    ]
                    if listed:
                        yield listed

    async def delete(self, key: str, *, put_before: float) -> bool:
        """Delete after a last look: the two are a moment apart, S3 has no way to make them one."""
        put_at = await self._put_at(key)
        if put_at is None or put_at >= put_before:
            return False
        with _failing("delete"):
            await self._store.delete_async(path_of(key))
        return True

    async def _put_at(self, key: str) -> float | None:
        path = path_of(key)
        try:
            with _failing("head", missing=key):
                return (await self._store.head_async(path))["last_modified"].timestamp()
        except MissingBlobError:
            return None

    async def tidy(self, *, before: float) -> int:
        """Nothing is left behind: an object is there as a whole or not at all."""
        del before
        return 0

    async def sign(self, key: str, *, expires_s: int) -> str | None:
        """Sign a URL with our own credentials; it opens this one object for reading."""
        path = path_of(key)
        if not isinstance(self._store, S3Store):
            return None
        with _failing("sign"):
            return await obstore.sign_async(self._store, "GET", path, timedelta(seconds=expires_s))

    async def check(self) -> None:
        """Write a small object: reading it would not show that pictures can be kept."""
        with _failing("put"):
            await self._store.put_async(_CHECK, b"check")


def _attributes(content: bytes) -> dict[str, str]:
    """Whoever is sent to a signed URL is told by the bucket what comes."""
    return {"Content-Type": media_type_of(content[:SNIFF_BYTES])}


@contextmanager
def _failing(what: str, *, missing: str | None = None) -> Iterator[None]:
    """Map the library's errors; its own texts take many lines and show whole answers."""
    try:
        yield
    except FileNotFoundError as error:
        if missing is not None:
            raise MissingBlobError(missing) from error
        raise BlobStoreError(f"{what}: the bucket does not exist") from error
    except BaseError as error:
        text = str(error)
        status, code = _STATUS.search(text), _CODE.search(text)
        said = [found[1] for found in (status, code) if found is not None]
        raise BlobStoreError(f"{what}: {' '.join(said) or 'no whole answer'}") from error
