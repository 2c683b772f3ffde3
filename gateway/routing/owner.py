"""Who serves a resource that already exists.

Weight moves creation only: an id says by its range who made it, and that side reads, changes and
deletes it, whatever the split says now. So what was acknowledged stays reachable.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum

from gateway.routing.snapshot import Owner

_MAX_DIGITS = 19
"""2**63 - 1, the largest id a database column holds, has 19 digits."""


class Claim(Enum):
    """Why a request belongs to one side."""

    OWNER = "owner"
    UNKNOWN = "owner_unknown"
    LIST = "owner_list"


@dataclass(slots=True)
class Claimed:
    """A request that is not new work: `backend` alone may serve it."""

    backend: str
    claim: Claim
    id: str = ""


class OwnerIndex:
    """Look-ups for one route's `Owner`, under a microsecond each."""

    __slots__ = ("_collection", "_owner", "_starts")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._collection = owner.collection.rstrip("/").encode()
        self._starts = [id_range.first for id_range in owner.ranges]

    def claim(self, method: bytes, path: bytes) -> Claimed | None:
        """Say who must serve this request; None if it is new work, for the split to place.

        Args:
            method: As received; only POST on the collection creates.
            path: Canonical path, inside what the route matches.
        """
        if not path.startswith(self._collection):
            return None
        rest = path[len(self._collection) :]
        if rest in (b"", b"/"):
            return None if method == b"POST" else Claimed(self._owner.lists, Claim.LIST)
        if rest[:1] != b"/":
            return None
        return self._claim_id(rest[1:].partition(b"/")[0])

    def _claim_id(self, text: bytes) -> Claimed:
        number = int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else None
        if number is not None:
            index = bisect_right(self._starts, number) - 1
            if index >= 0:
                found = self._owner.ranges[index]
                if found.last is None or number <= found.last:
                    return Claimed(found.backend, Claim.OWNER, str(number))
        return Claimed(self._owner.unknown, Claim.UNKNOWN, text.decode("ascii", "replace"))
