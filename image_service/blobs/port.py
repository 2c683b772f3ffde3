"""What the service asks of a place for pictures, and the names that things have there.

A blob is named by the sha256 of its content, so it never changes and is written once however
often it is put. What was made of it in another format or size lies beside it, under the recipe
that it was made by: a derivative, which can be made again at any time.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_service.errors import MissingBlobError

# A key is all that customers can name. No dot and no second slash: it cannot lead anywhere else.
_KEY = re.compile(r"([0-9a-f]{2})[0-9a-f]{62}(/[a-z0-9][a-z0-9-]{0,79})?", re.ASCII)
_PATH = re.compile(r"(sha256|derived)/([0-9a-f]{2})/([0-9a-f]{64}(?:/[a-z0-9-]+)?)", re.ASCII)

# A store that cannot touch what it holds writes a blob that is put again once more when it is
# older than this, so that gc sees it as new. gc waits at least twice as long.
REFRESH_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a store says of one thing that it holds.

    Attributes:
        key: The sha256, or the sha256 and the recipe with a slash between.
        size_bytes: Its size.
        put_at: When it was put last, in seconds since 1970, UTC.
    """

    key: str
    size_bytes: int
    put_at: float


class BlobStore(Protocol):
    """Keeps immutable bytes; a key is a sha256 in lower case, or ``<sha256>/<recipe>``."""

    async def put(self, content: bytes) -> str:
        """Keep ``content`` durably and return its sha256.

        When it is there already nothing is written again, but it counts as put just now.

        Raises:
            OSError: The store cannot keep it.
        """

    async def put_derivative(self, key: str, content: bytes) -> bool:
        """Keep a derivative unless there is one; False when there is, and it stays as it is.

        Raises:
            OSError: The store cannot keep it.
        """

    async def size_bytes(self, key: str) -> int:
        """Return the size of a blob or derivative.

        Raises:
            MissingBlobError: There is none.
            OSError: The store does not answer.
        """

    def read(self, key: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Read the bytes from ``start`` up to, not including, ``stop``, in pieces.

        Raises:
            MissingBlobError: There is no such thing, or it is shorter than ``stop``.
            OSError: The store does not answer, or no longer.
        """

    def list_all(self) -> AsyncIterator[Sequence[Listed]]:
        """List all that is kept, in batches, in no particular order.

        Raises:
            OSError: The store does not answer.
        """

    async def delete(self, key: str, *, put_before: float) -> bool:
        """Delete what was last put before that moment; False when it is newer, or not there.

        Raises:
            OSError: The store does not answer.
        """

    async def tidy(self, *, before: float) -> int:
        """Remove what interrupted writes left behind before that moment; return how many."""

    async def sign(self, key: str, *, expires_s: int) -> str | None:
        """Return a URL under which anybody can GET it for a while; None if the store has none."""

    async def check(self) -> None:
        """Try to write.

        Raises:
            OSError: The store cannot keep anything at present.
        """


def path_of(key: str) -> str:
    """Return where a store keeps a key, relative to its root.

    Raises:
        MissingBlobError: It is no key, so nothing can be kept under it.
    """
    found = _KEY.fullmatch(key)
    if found is None:
        raise MissingBlobError(key)
    return f"{'derived' if found[2] else 'sha256'}/{found[1]}/{key}"


def key_of(path: str) -> str | None:
    """Return the key that is kept at a path; None for whatever else lies in the store."""
    found = _PATH.fullmatch(path)
    if found is None or not _KEY.fullmatch(found[3]) or path_of(found[3]) != path:
        return None
    return found[3]


def source_of(key: str) -> str:
    """Return the sha256 of the blob that a key is, or was made of."""
    return key.partition("/")[0]
