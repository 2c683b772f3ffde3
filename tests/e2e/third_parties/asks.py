"""What a client is to ask, and what it saw: one language for clients of every kind."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

_KEPT_BYTES = 64 * 1024
"""Of a body, to be looked at; of a larger one the digest must do."""
_ONE_HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "trailer"})
"""Of an answer: a matter between two neighbours."""
_GATEWAYS = re.compile(r"(?i)x-forwarded-(for|host|proto)|via|traceparent")
"""What a gateway must or may add to a request."""


class Framing(Enum):
    """How the end of an upload is told."""

    LENGTH = "length"
    CHUNKED = "chunked"


class Skill(Enum):
    """What not every client can do."""

    EXPECT = "waits for 100 Continue"
    TRAILERS = "shows trailers"
    RAW_NAMES = "shows names as they came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A body of `content`."""

    size_bytes: int
    framing: Framing = Framing.LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    upload: Upload | None = None
    follow: bool = False
    """Whether redirects are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of it.

    Attributes:
        headers: In order, names as the client shows them.
        hops: The statuses of redirects that were followed.
        error: The client's own name for what went wrong; empty if nothing did.
    """

    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body_bytes: int = 0
    body_sha256: str = ""
    body: str = ""
    hops: tuple[int, ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What came of some requests, one after the other."""

    seen: tuple[Seen, ...]
    connections: int | None
    """How many the client opened; None if it does not say."""


class Client(Protocol):
    """Somebody else's client."""

    name: str
    skills: frozenset[Skill]

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Ask one thing after the other, as one customer with a memory for cookies."""


class Body:
    """A body as it comes."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._kept = bytearray()
        self.size_bytes = 0

    def add(self, piece: bytes) -> None:
        """Take a piece."""
        self._sha.update(piece)
        self.size_bytes += len(piece)
        if len(self._kept) < _KEPT_BYTES:
            self._kept += piece[: _KEPT_BYTES - len(self._kept)]

    def told(self, seen: Seen) -> Seen:
        """What was seen, with this body."""
        is_whole = self.size_bytes <= _KEPT_BYTES
        return replace(
            seen,
            body_bytes=self.size_bytes,
            body_sha256=self._sha.hexdigest(),
            body=self._kept.decode("latin-1") if is_whole else "",
        )


def comparable(session: Session, base: str) -> list[Seen]:
    """What was seen, without what may differ between two servers or two ways to one."""
    authority = base.removeprefix("http://")
    return [_comparable(seen, authority) for seen in session.seen]


def _comparable(seen: Seen, authority: str) -> Seen:
    headers = tuple(
        (name, value.replace(authority, "HOST"))
        for name, value in seen.headers
        if name.lower() not in _ONE_HOPS
    )
    if not seen.body.startswith("{"):
        return replace(seen, headers=headers)
    told = _told_without_gateway(json.loads(seen.body), authority)
    # The length and the digest are those of the whole body: it has been compared instead.
    kept = tuple((n, v) for n, v in headers if n.lower() != "content-length")
    return replace(seen, headers=kept, body=told, body_bytes=0, body_sha256="")


def _told_without_gateway(told: dict[str, Any], authority: str) -> str:
    """What the origin says of a request, without what a gateway adds."""
    told["headers"] = [
        [name, value.replace(authority, "HOST")]
        for name, value in told["headers"]
        if not _GATEWAYS.fullmatch(name) and name.lower() not in {"connection", "keep-alive", "te"}
    ]
    return json.dumps(told, indent=1)
