"""Who serves a resource that already exists.

Weight moves creation only: an id says by its range or its beginning who made it, and that side
reads, changes and deletes it, whatever the split says now. So what was acknowledged stays
reachable.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote_to_bytes

from gateway.routing.ids import number_of
from gateway.routing.snapshot import Owner


class Claim(Enum):
    """Why a request belongs to one side."""

    OWNER = "owner"
    UNKNOWN = "owner_unknown"
    LIST = "owner_list"


@dataclass(slots=True)
class Claimed:
    """A request that is not new work: `backend` alone may serve it."""

    backend: str
    """`Owner.merged` for a list that is merged."""
    claim: Claim
    id: str = ""


class OwnerIndex:
    """Look-ups for one route's `Owner`, about a microsecond each."""

    __slots__ = (
        "_collection",
        "_list_by_method",
        "_other_lists",
        "_owner",
        "_pattern",
        "_prefixes",
        "_starts",
    )

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._collection = owner.collection.rstrip("/").encode()
        self._pattern = _pattern(self._collection) if b"{}" in self._collection else None
        self._starts = [id_range.first for id_range in owner.ranges]
        self._prefixes = [(made.prefix.encode(), made.backend) for made in owner.prefixes]
        merged = owner.merged if owner.merge is not None else owner.lists
        self._list_by_method = {b"GET": merged, b"HEAD": merged}
        self._other_lists = owner.lists

    def claim(self, method: bytes, path: bytes) -> Claimed | None:
        """Say who must serve this request; None if it is new work, for the split to place.

        Args:
            method: As received; only POST on the collection creates.
            path: Canonical path, inside what the route matches.
        """
        collection = self._collection
        if self._pattern is not None:
            found = self._pattern.match(path)
            if found is None:
                return None
            collection = found[0]
        if not path.startswith(collection):
            return None
        rest = path[len(collection) :]
        if rest in (b"", b"/"):
            if method == b"POST":
                return None
            return Claimed(self._list_by_method.get(method, self._other_lists), Claim.LIST)
        if rest[:1] != b"/":
            return None
        return self._claim_id(rest[1:].partition(b"/")[0])

    def owner_of(self, text: bytes) -> str | None:
        """The backend that made the resource with this id; None for an unknown one."""
        claimed = self._claim_id(text)
        return claimed.backend if claimed.claim is Claim.OWNER else None

    def _claim_id(self, text: bytes) -> Claimed:
        number = number_of(text) if self._starts else None
        if number is not None:
            index = bisect_right(self._starts, number) - 1
            if index >= 0:
                found = self._owner.ranges[index]
                if found.last is None or number <= found.last:
                    return Claimed(found.backend, Claim.OWNER, str(number))
        shown = text.decode("ascii", "replace")
        if self._prefixes:
            plain = unquote_to_bytes(text)
            for prefix, backend in self._prefixes:
                if plain.startswith(prefix):
                    return Claimed(backend, Claim.OWNER, shown)
        return Claimed(self._owner.unknown, Claim.UNKNOWN, shown)


def _pattern(collection: bytes) -> re.Pattern[bytes]:
    """Finds the collection at a path's beginning, whatever stands in place of ``{}``."""
    segments = (b"[^/]+" if s == b"{}" else re.escape(s) for s in collection.split(b"/"))
    return re.compile(b"/".join(segments))
