"""What is known of a blob once and for ever: it never changes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass

from image_service.blobs.port import BlobStore
from image_service.media import SNIFF_BYTES, media_type_of

# Some 300 bytes each.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A blob or derivative.

    Attributes:
        key: Where it is kept.
        sha256: Of its own content.
        size_bytes: Its size.
        media_type: What its first bytes say it is.
    """

    key: str
    sha256: str
    size_bytes: int
    media_type: str

    @property
    def etag(self) -> str:
        """Return its strong tag, quoted: equal tags mean equal bytes."""
        return f'"{self.sha256}"'


class KnownBlobs:
    """The facts of what was asked for lately."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known: OrderedDict[str, Facts] = OrderedDict()

    async def original(self, sha256: str) -> Facts:
        """Return the facts of a blob.

        Raises:
            MissingBlobError: There is none.
            OSError: The store does not answer.
        """
        facts = self.recall(sha256)
        if facts is None:
            size_bytes = await self._blobs.size_bytes(sha256)
            head = await read_all(self._blobs, sha256, min(size_bytes, SNIFF_BYTES))
            facts = self._remember(sha256, sha256, size_bytes, head)
        return facts

    async def derivative(self, key: str) -> Facts:
        """Return the facts of a derivative, which has to be read for its hash.

        Raises:
            MissingBlobError: There is none.
            OSError: The store does not answer.
        """
        facts = self.recall(key)
        if facts is None:
            content = await read_all(self._blobs, key, await self._blobs.size_bytes(key))
            digest = hashlib.sha256(content).hexdigest()
            facts = self._remember(key, digest, len(content), content[:SNIFF_BYTES])
        return facts

    def recall(self, key: str) -> Facts | None:
        """Return what is remembered of a key, without a look at the store."""
        facts = self._known.get(key)
        if facts is not None:
            self._known.move_to_end(key)
        return facts

    def forget(self, key: str) -> None:
        """Forget what is gone."""
        self._known.pop(key, None)

    def _remember(self, key: str, sha256: str, size_bytes: int, head: bytes) -> Facts:
        facts = Facts(key=key, sha256=sha256, size_bytes=size_bytes, media_type=media_type_of(head))
        self._known[key] = facts
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return facts


async def read_all(blobs: BlobStore, key: str, size_bytes: int) -> bytes:
    """Read the first so many bytes into memory.

    Raises:
        MissingBlobError: There are fewer.
        OSError: The store does not answer.
    """
    content = bytearray()
    async with aclosing(blobs.read(key, 0, size_bytes)) as pieces:
        async for piece in pieces:
            content += piece
    return bytes(content)
