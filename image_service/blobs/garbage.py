"""Which blobs nobody needs any more, and their removal.

A blob is needed while a row refers to it, a derivative while its blob is. Between putting a blob
and committing the row that names it lies a moment in which it looks like garbage: what was put
within the grace period is never touched, and putting a blob again begins its period anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from image_service.blobs.port import REFRESH_AFTER_S, BlobStore, Listed, source_of

# A day: far longer than any order takes, and a deleted picture is gone tomorrow.
DEFAULT_GRACE_S = 24 * 3600.0
# A store notices that a blob was put again only so often; twice that, and it cannot be missed.
LEAST_GRACE_S = 2 * REFRESH_AFTER_S
# Databases take some thousands of parameters in a statement, SQLite the fewest.
_ASKED_AT_ONCE = 500

Referred = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Of these sha256, which does a row refer to? Asked after the listing, a batch at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one gc came to.

    Attributes:
        seen: How many blobs and derivatives there were.
        deleted: How many of them were deleted, or would have been.
        deleted_bytes: Their size.
        leftovers: Remains of interrupted writes that were removed.
    """

    seen: int
    deleted: int
    deleted_bytes: int
    leftovers: int


def candidates(listed: Iterable[Listed], *, put_before: float) -> list[Listed]:
    """Return what is old enough to be garbage."""
    return [each for each in listed if each.put_at < put_before]


def garbage(old: Iterable[Listed], referred: Collection[str]) -> list[Listed]:
    """Return what no row refers to, neither itself nor what it was made of."""
    return [each for each in old if source_of(each.key) not in referred]


async def is_strange(blobs: BlobStore, known: Referred) -> bool:
    """Whether there are pictures, and rows know none of them: they are another database's.

    Args:
        blobs: Where.
        known: Which of some sha256 any row has ever named.

    Raises:
        OSError: The store does not answer.
    """
    is_empty = True
    async for batch in blobs.list_all():
        for start in range(0, len(batch), _ASKED_AT_ONCE):
            is_empty = False
            some = {source_of(each.key) for each in batch[start : start + _ASKED_AT_ONCE]}
            if await known(some):
                return False
    return not is_empty


async def sweep(
    blobs: BlobStore,
    referred: Referred,
    *,
    now: float,
    grace_s: float = DEFAULT_GRACE_S,
    dry_run: bool = False,
) -> Swept:
    """Delete what nobody needs; may run beside everything else, and more than once at a time.

    Args:
        blobs: Where.
        referred: What rows refer to.
        now: Seconds since 1970, UTC.
        grace_s: How old garbage has to be, at least ``LEAST_GRACE_S``.
        dry_run: Count alone.

    Raises:
        ValueError: The grace period is too short to be safe.
        OSError: The store does not answer; what was deleted by then was garbage.
    """
    if grace_s < LEAST_GRACE_S:
        raise ValueError(f"a grace of {grace_s:g} s is shorter than {LEAST_GRACE_S:g} s")
    put_before = now - grace_s
    seen = deleted = deleted_bytes = 0
    async for batch in blobs.list_all():
        seen += len(batch)
        old = candidates(batch, put_before=put_before)
        for start in range(0, len(old), _ASKED_AT_ONCE):
            asked = old[start : start + _ASKED_AT_ONCE]
            for each in garbage(asked, await referred({source_of(one.key) for one in asked})):
                if dry_run or await blobs.delete(each.key, put_before=put_before):
                    deleted += 1
                    deleted_bytes += each.size_bytes
    leftovers = 0 if dry_run else await blobs.tidy(before=put_before)
    return Swept(seen=seen, deleted=deleted, deleted_bytes=deleted_bytes, leftovers=leftovers)
