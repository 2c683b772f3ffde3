"""One JSON line per request, and what it may hold.

Paths without their query, and no header's value but those that a route asks for: queries, cookies
and credentials are the customers' own and do not reach a log. What keeps a customer on one side
stands as a token, which tells customers apart and not who they are, and as its bucket, which leaves
one in 100,000 values that somebody could guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

_ENCODER = msgspec.json.Encoder()


class Noted(msgspec.Struct, frozen=True, gc=False):
    """A value that keeps a customer on one side, without the value."""

    bucket: int
    """0..99,999."""
    token: str
    """The same for the same value, as long as the key stays."""


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """A value that a route asks for and that nobody is to read."""

    token: str


StickyNotes = dict[str, Noted | None]
"""The route's sticky sources, as `gateway.routing.snapshot.Sticky` writes them; None for one that
the request did not carry."""
Told = dict[str, str | Hidden | None]
"""What some route matches on -> its value; None where the request has no such thing."""


class AccessLine(msgspec.Struct, omit_defaults=True, gc=False):
    """A finished request; fields that do not apply are left out of the line.

    Made by position where it counts: by name costs seven times as much.
    """

    time: str
    """When the request's head was read, RFC 3339 in UTC with milliseconds."""
    method: str
    path: str
    """As received, undecoded, without the query."""
    status: int
    """What the customer got; 499 if the customer left first, 503 if the gateway's stop cut the
    connection before there was an answer."""
    duration_ms: float
    """To the microsecond, like all durations here."""
    client: str = ""
    """The customer's address."""
    route: str = ""
    backend: str = ""
    reason: str = ""
    """Who chose the backend, as `gateway.routing.decide.Reason` names it."""
    bucket: int | None = None
    revision: int = 0
    """The revision of routes.yaml that decided."""
    bytes_in: int = 0
    """Body bytes from the customer."""
    bytes_out: int = 0
    """Body bytes to the customer."""
    first_byte_ms: float | None = None
    """Until the first byte of the backend's answer."""
    attempts: int = 1
    trace_id: str = ""
    error: str = ""
    """Stage, cause and side of a failure, e.g. ``connect:refused:upstream``."""
    detail: str = ""
    """Why, in words: of a failure, or of a request that the gateway itself refused."""
    upstream: str = ""
    """The address of the backend that was asked last, as in a URL."""
    host: str = ""
    """The Host that the customer asked for."""
    protocol: str = ""
    """``HTTP/1.1``, ``HTTP/1.0``; under an ASGI server that speaks it, ``HTTP/2``."""
    counts_as: int = 0
    """What the answer counts as, where a soft error is declared."""
    instead_of: str = ""
    """The backend that was decided on at first, where `backend` has answered in its place."""
    because: str = ""
    """What that one came to: a failure like `error`, or ``status:503``."""
    also_asked: str = ""
    """Another backend that was asked as well, and had no more to say."""
    sticky: msgspec.Raw | None = None
    """`StickyNotes` as JSON: it is written once for a customer who comes again and again."""
    headers: msgspec.Raw | None = None
    """`Told` as JSON, by lower-case name: the headers that some route matches on."""
    query: Told | None = None
    """Keys of the query that some route matches on: the first value of each, percent-decoded."""


class ClockText:
    """Writes moments as RFC 3339 text in UTC, with milliseconds.

    Lines come in bursts of the same second, often of the same millisecond: each is written once.
    """

    def __init__(self) -> None:
        self._millisecond = self._second = -1
        self._prefix = self._text = ""

    def write(self, wall_s: float) -> str:
        """The moment `wall_s` seconds after the start of 1970."""
        millisecond = int(wall_s * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                self._second = second
                self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._text = f"{self._prefix}.{rest:03d}Z"
        return self._text


def encode_part(part: StickyNotes | Told) -> msgspec.Raw:
    """A part of a line, ready to be used in many."""
    return msgspec.Raw(_ENCODER.encode(part))


def encode_lines(lines: Sequence[AccessLine]) -> bytes:
    """The lines as UTF-8 JSON, each with its newline."""
    return _ENCODER.encode_lines(lines)
