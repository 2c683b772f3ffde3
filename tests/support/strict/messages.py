"""Messages as the strict reader has found them, and the rules for their heads as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tests.support.strict.grammar import (
    Field,
    Liberties,
    Liberty,
    ViolationError,
    check_host,
    read_codings,
    read_length,
)

_NOT_IN_TRAILERS = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"max-forwards",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""What frames or routes a message, or is for one connection only (RFC 9110, section 6.5.1)."""
_NAMED_BY_CONNECTION = (b"te", b"upgrade")
"""Whoever sends these must say in Connection that they are for the next hop alone."""
SWITCHING_PROTOCOLS = 101
_NO_CONTENT = 204
_NOT_MODIFIED = 304


class Framing(Enum):
    """What ends a body (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(slots=True, kw_only=True)
class Message:
    """What requests and answers have in common."""

    version: str
    fields: list[Field] = field(default_factory=list)
    framing: Framing = Framing.NONE
    length: int = 0
    """Of the body in bytes, where it is framed by LENGTH."""
    body: bytearray = field(default_factory=bytearray)
    """Its first bytes."""
    body_bytes: int = 0
    """All of them that have come."""
    trailers: list[Field] = field(default_factory=list)
    is_complete: bool = False

    def values(self, name: bytes) -> list[bytes]:
        """Of all field lines of this lower-case name, in order."""
        return [value for each, value in self.fields if each.lower() == name]

    def options(self) -> list[bytes]:
        """The lower-case members of Connection."""
        members = b",".join(self.values(b"connection")).lower().split(b",")
        return [member for part in members if (member := part.strip(b" \t"))]

    @property
    def is_last(self) -> bool:
        """Whether the sender's connection ends behind it."""
        options = self.options()
        return b"close" in options or (self.version == "1.0" and b"keep-alive" not in options)


@dataclass(slots=True, kw_only=True)
class Request(Message):
    """A request."""

    method: bytes
    target: bytes

    def offers_upgrade(self) -> bool:
        """Whether the answer may switch protocols (RFC 9110, section 7.8)."""
        return b"upgrade" in self.options() and bool(self.values(b"upgrade"))


@dataclass(slots=True, kw_only=True)
class Answer(Message):
    """A response."""

    status: int
    reason: bytes

    @property
    def is_interim(self) -> bool:
        """Whether another head follows."""
        return self.status < 200 and self.status != SWITCHING_PROTOCOLS


def settle_request(request: Request, liberties: Liberties) -> None:
    """Check a request's head as a whole; say how its body ends.

    Raises:
        ViolationError: No sender may send this.
    """
    hosts = request.values(b"host")
    if len(hosts) > 1 or (request.version == "1.1" and not hosts):
        raise ViolationError(f"{len(hosts)} Hosts", b", ".join(hosts))
    for host in hosts:
        check_host(host)
    _check_connection(request, liberties)
    length, codings = _framing_fields(request)
    if codings:
        if codings[-1] != b"chunked":
            raise ViolationError("a request whose body has no end", b", ".join(codings))
        request.framing = Framing.CHUNKED
    elif length is not None:
        request.framing, request.length = Framing.LENGTH, length


def settle_answer(answer: Answer, asked: Request, liberties: Liberties) -> None:
    """Check an answer's head as a whole; say how its body ends.

    Raises:
        ViolationError: No sender may send this.
    """
    _check_connection(answer, liberties)
    means_nothing = answer.status < 200 or answer.status == _NO_CONTENT
    if means_nothing and Liberty.FRAMING_IN_VAIN in liberties:
        length, codings = None, list[bytes]()
    else:
        length, codings = _framing_fields(answer)
    if means_nothing and (length is not None or codings):
        raise ViolationError(f"framing fields in a {answer.status}")
    if codings and asked.version == "1.0":
        raise ViolationError("a transfer coding for an HTTP/1.0 client", b", ".join(codings))
    if answer.status < 200:
        _check_interim(answer, asked)
        return
    if asked.method == b"HEAD" or answer.status in {_NO_CONTENT, _NOT_MODIFIED}:
        return
    if codings:
        answer.framing = Framing.CHUNKED if codings[-1] == b"chunked" else Framing.CLOSE
    elif length is not None:
        answer.framing, answer.length = Framing.LENGTH, length
    else:
        answer.framing = Framing.CLOSE


def _check_interim(answer: Answer, asked: Request) -> None:
    if asked.version == "1.0":
        raise ViolationError(f"a {answer.status} for an HTTP/1.0 client")
    if answer.status == SWITCHING_PROTOCOLS:
        if not asked.offers_upgrade():
            raise ViolationError("a 101 that was not asked for")
        if not answer.values(b"upgrade"):
            raise ViolationError("a 101 that does not say to what")


def _check_connection(message: Message, liberties: Liberties) -> None:
    if Liberty.UNNAMED_HOP_FIELDS in liberties:
        return
    options = message.options()
    for name in _NAMED_BY_CONNECTION:
        if message.values(name) and name not in options:
            raise ViolationError(f"{name.decode()} without a Connection that names it")


def _framing_fields(message: Message) -> tuple[int | None, list[bytes]]:
    lengths = message.values(b"content-length")
    lines = message.values(b"transfer-encoding")
    if lengths and lines:
        raise ViolationError("both Content-Length and Transfer-Encoding")
    if len(lengths) > 1:
        raise ViolationError("Content-Length more than once", b", ".join(lengths))
    if lines and message.version != "1.1":
        raise ViolationError(f"a transfer coding in HTTP/{message.version}")
    codings = read_codings(b",".join(lines)) if lines else []
    return (read_length(lengths[0]) if lengths else None), codings


def check_trailer(trailer: Field) -> None:
    """Refuse fields that have no business behind a body."""
    if trailer[0].lower() in _NOT_IN_TRAILERS:
        raise ViolationError("a field that no trailer may be", trailer[0])
