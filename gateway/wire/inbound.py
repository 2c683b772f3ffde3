"""A request head that was read and found unambiguous, or the refusal of one."""

from __future__ import annotations

from enum import Enum

from gateway.wire.messages import Header, RequestHead

MAX_HEAD_BYTES = 64 * 1024
"""Request line and field lines together: four times what browsers and proxies commonly send."""
MAX_TARGET_BYTES = 16 * 1024
MAX_FIELDS = 256
MAX_SHOWN_BYTES = 1024
"""Of the path of a request that was refused."""


_NO_MEMBERS: frozenset[bytes] = frozenset()


class Body(Enum):
    """How a body's end is known (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"
    """Until the connection ends: answers only."""


_NONE = Body.NONE


class BadRequest(Exception):  # noqa: N818 - the name of status 400
    """A request that is answered here and never forwarded."""

    def __init__(self, status: int, title: str, detail: str, *, told: str = "") -> None:
        super().__init__(status, title, detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.told = told or detail
        """For operators: the detail, perhaps with more than customers need to know."""
        self.method = b""
        """Of the request, as far as it is known."""
        self.target = b""
        """The same; as received."""


class Inbound(RequestHead):
    """A request head, read and found unambiguous."""

    __slots__ = (
        "_lines",
        "body",
        "connection",
        "expects_continue",
        "fields",
        "forwarded",
        "has_hop",
        "host",
        "is_http11",
        "keep_alive",
        "length",
        "passages",
        "private",
        "takes_trailers",
        "target",
        "traceparent",
        "upgrade",
    )

    def __init__(self, method: bytes, target: bytes, *, is_http11: bool) -> None:
        # Not by the base class's: a call more for every request.
        self.method = method
        self.query = b""
        self.named = {}
        self.client_ip = self.pin = ""
        self.path = self.target = target
        """In origin form (or ``*``), bytes as received."""
        self.is_http11 = is_http11
        self._lines: list[Header] | None = None
        self.fields = b""
        """Field lines as a backend gets them, joined by CRLF; empty until they are written."""
        self.host: bytes | None = None
        """The Host that the customer asked for; None if it named none (HTTP/1.0)."""
        self.forwarded: list[Header] | None = None
        """Forwarded and X-Forwarded-*, not yet believed; None if there are none."""
        self.private: list[Header] | None = None
        """X-Figueira-*, not yet believed; None if there are none."""
        self.body = _NONE
        self.length = 0
        """Body length in bytes where `body` is LENGTH."""
        self.connection: frozenset[bytes] = _NO_MEMBERS
        """Lower-case members of Connection."""
        self.keep_alive = is_http11
        self.upgrade: bytes | None = None
        """Other protocols that the customer offers to go on in; None if it offers none."""
        self.takes_trailers = False
        self.expects_continue = False
        self.has_hop = False
        """Whether some field spoke of the connection alone."""
        self.passages = 0
        """How often the request has come through this gateway already."""
        self.traceparent: bytes | None = None
        """The trace context that the request brought."""

    @property
    def lines(self) -> list[Header]:
        """Field lines to forward, in order, Host and framing included."""
        if self._lines is None:
            split = (line.partition(b": ") for line in self.fields.split(b"\r\n") if line)
            self._lines = [(name, value) for name, _, value in split]
        return self._lines

    @lines.setter
    def lines(self, lines: list[Header]) -> None:
        self._lines, self.fields = lines, b""

    @property
    def has_body(self) -> bool:
        """Whether bytes of a body are to come."""
        return self.body is Body.CHUNKED or self.length > 0


def too_large_head() -> BadRequest:
    """The refusal of a head over `MAX_HEAD_BYTES`."""
    return too_large(f"a head of more than {MAX_HEAD_BYTES} bytes")


def too_large(what: str) -> BadRequest:
    """The refusal of a head with too much of something."""
    return BadRequest(431, "Request Header Fields Too Large", f"The request has {what}.")


def malformed(detail: str) -> BadRequest:
    """The refusal of what is not HTTP/1.1, or not in one way."""
    return BadRequest(400, "Bad Request", detail)


def shown_path(target: bytes) -> bytes:
    """What may be shown of a target that was refused: no query, no credentials, not too much."""
    if not target.startswith(b"/"):
        # In absolute form, or none that we know.
        _, _, behind = target.partition(b"://")
        target = b"/" + behind.partition(b"/")[2] if b"/" in behind else b""
    for end in (b"?", b"#"):
        target = target.partition(end)[0]
    return target[:MAX_SHOWN_BYTES]
