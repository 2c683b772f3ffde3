"""Reading a request's head and writing it anew for a backend (RFC 9110, 7.6; RFC 9112, 3 and 6).

What two parsers could read in two ways is refused here; everything else crosses as it came: target,
field order, duplicates and the case of names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum

from gateway.wire.fields import Kind, kind_of, listed
from gateway.wire.messages import Header, RequestHead

MAX_HEAD_BYTES = 64 * 1024
"""Request line and field lines together: four times what browsers and proxies commonly send."""
MAX_TARGET_BYTES = 16 * 1024
MAX_FIELDS = 256

_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)
"""RFC 3986 ``uri-host [":" port]``: no userinfo, no space; no comma either, which makes a list."""
_NO_TARGET = re.compile(rb"[\x00-\x20\x7F#]")
"""What no request target can hold: some backends would end it there, others not."""
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_UNSUPPORTED = frozenset({b"CONNECT", b"TRACE"})
_UNBELIEVED = frozenset({Kind.FORWARDED, Kind.FIGUEIRA, Kind.FORGED})
"""Routing may not read these before their sender is known to be believed."""
_SPACE = b" \t"


class Body(Enum):
    """How a body's end is known (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"
    """Until the connection ends: answers only."""


class BadRequest(Exception):  # noqa: N818 - the name of status 400
    """A request that is answered here and never forwarded."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(status, title, detail)
        self.status = status
        self.title = title
        self.detail = detail


@dataclass(slots=True)
class Inbound:
    """A request head, read and found unambiguous."""

    head: RequestHead
    target: bytes
    """In origin form (or ``*``), bytes as received."""
    lines: list[Header]
    """Field lines to forward, in order, Host and framing included."""
    host: bytes | None = b""
    """The Host that the customer asked for; None if it named none (HTTP/1.0)."""
    forwarded: list[Header] = field(default_factory=list)
    """Forwarded and X-Forwarded-*, not yet believed."""
    private: list[Header] = field(default_factory=list)
    """X-Figueira-*, not yet believed."""
    body: Body = Body.NONE
    length: int = 0
    """Body length in bytes where `body` is LENGTH."""
    keep_alive: bool = True
    is_http11: bool = True
    expects_continue: bool = False
    traced: bool = False
    """Whether the request brought a traceparent."""


def read_request(
    method: bytes,
    target: bytes,
    version: str,
    headers: Sequence[Header],
    wanted: Collection[bytes] = (),
) -> Inbound:
    """Read a parsed head.

    Args:
        method: As received.
        target: Request target as received.
        version: ``1.0`` or ``1.1``.
        headers: Field lines in order, names as received.
        wanted: Lower-case names whose values routing reads. Those of Forwarded, X-Forwarded-* and
            X-Figueira-* are held back until `read_believed`.

    Raises:
        BadRequest: The head is ambiguous, malformed or not supported.
    """
    if method in _UNSUPPORTED:
        raise BadRequest(501, "Not Implemented", "This method is not supported.")
    if version not in {"1.0", "1.1"}:
        raise BadRequest(
            505, "HTTP Version Not Supported", "Only HTTP/1.0 and 1.1 are spoken here."
        )
    if len(target) > MAX_TARGET_BYTES:
        raise BadRequest(414, "URI Too Long", f"The target is over {MAX_TARGET_BYTES} bytes.")
    if len(headers) > MAX_FIELDS:
        raise _too_large(f"more than {MAX_FIELDS} header fields")
    is_http11 = version == "1.1"
    inbound = Inbound(RequestHead(method=method, path=b"/"), target, [], is_http11=is_http11)
    hosts, connection = _sort_fields(inbound, headers, wanted)
    _settle_target(inbound, hosts)
    _settle_connection(inbound, connection)
    return inbound


def read_believed(inbound: Inbound, fields: Sequence[Header], wanted: Collection[bytes]) -> None:
    """Let routing read `fields` too, now that their sender is known to be believed.

    Args:
        inbound: The request.
        fields: Its `forwarded` fields, if ``trust.proxies`` holds the peer; its `private` ones, if
            ``trust.testers`` holds the customer.
        wanted: As for `read_request`.
    """
    for name, value in fields:
        if (lower := name.lower()) in wanted:
            _keep_named(inbound.head.named, lower, value)


def too_large_head() -> BadRequest:
    """The refusal of a head over `MAX_HEAD_BYTES`."""
    return _too_large(f"a head of more than {MAX_HEAD_BYTES} bytes")


def _too_large(what: str) -> BadRequest:
    return BadRequest(431, "Request Header Fields Too Large", f"The request has {what}.")


def _bad(detail: str) -> BadRequest:
    return BadRequest(400, "Bad Request", detail)


def _sort_fields(
    inbound: Inbound, headers: Sequence[Header], wanted: Collection[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Put each field where it belongs; return the Host values and the Connection members."""
    hosts: list[bytes] = []
    connection: list[bytes] = []
    lines = inbound.lines
    for name, value in headers:
        kind = kind_of(name)
        if wanted and (lower := name.lower()) in wanted and kind not in _UNBELIEVED:
            _keep_named(inbound.head.named, lower, value)
        if not kind:
            lines.append((name, value))
        elif kind is Kind.HOST:
            hosts.append(value.strip(_SPACE))
            lines.append((name, value))
        elif kind is Kind.CONNECTION:
            connection += listed(value)
        else:
            _sort_rare(inbound, kind, name, value)
    return hosts, connection


def _sort_rare(inbound: Inbound, kind: Kind, name: bytes, value: bytes) -> None:
    value = value.strip(_SPACE)
    if kind is Kind.CONTENT_LENGTH:
        _read_length(inbound, value)
        inbound.lines.append((name, value))
    elif kind is Kind.TRANSFER_ENCODING:
        _read_coding(inbound, value)
        inbound.lines.append((name, b"chunked"))
    elif kind is Kind.EXPECT:
        # HTTP/1.0 knows no interim answers: there it must be ignored (RFC 9110, section 10.1.1).
        if inbound.is_http11:
            inbound.expects_continue |= b"100-continue" in listed(value)
            inbound.lines.append((name, value))
    elif kind is Kind.TRACEPARENT:
        inbound.traced = True
        inbound.lines.append((name, value))
    elif kind is Kind.FORWARDED:
        inbound.forwarded.append((name, value))
    elif kind is Kind.FIGUEIRA:
        inbound.private.append((name, value))


def _read_length(inbound: Inbound, value: bytes) -> None:
    if inbound.body is not Body.NONE:
        raise _bad("The body's length is given more than once.")
    if not value.isdigit() or len(value) > 18:  # noqa: PLR2004 - 10**18 - 1 fits in 63 bits
        raise _bad("Content-Length is not a number.")
    inbound.body, inbound.length = Body.LENGTH, int(value)


def _read_coding(inbound: Inbound, value: bytes) -> None:
    if inbound.body is not Body.NONE:
        raise _bad("The body's length is given more than once.")
    if value.lower() != b"chunked" or not inbound.is_http11:
        raise _bad("The only transfer coding understood is chunked, in HTTP/1.1.")
    inbound.body = Body.CHUNKED


def _keep_named(named: dict[bytes, bytes], lower: bytes, value: bytes) -> None:
    value = value.strip(_SPACE)
    before = named.get(lower)
    if before is not None:
        value = before + (b"; " if lower == b"cookie" else b", ") + value
    named[lower] = value


def _settle_target(inbound: Inbound, hosts: list[bytes]) -> None:
    """Check Host and target; leave the target in origin form or ``*`` (RFC 9112, section 3.2)."""
    if len(hosts) > 1 or (inbound.is_http11 and not hosts):
        raise _bad("A request has exactly one Host.")
    inbound.host = _checked_host(hosts[0]) if hosts else None
    if _NO_TARGET.search(inbound.target):
        raise _bad("The target has a character that no URL can have.")
    if not inbound.target.startswith(b"/"):
        _settle_other_form(inbound)
    head = inbound.head
    head.path, _, head.query = inbound.target.partition(b"?")


def _checked_host(host: bytes) -> bytes:
    if not _HOST.fullmatch(host):
        raise _bad("Host is malformed.")
    return host


def _settle_other_form(inbound: Inbound) -> None:
    is_options = inbound.head.method == b"OPTIONS"
    if is_options and inbound.target == b"*":
        return
    absolute = _ABSOLUTE.fullmatch(inbound.target)
    if not absolute:
        raise _bad("The target is neither a path nor a URL of this server.")
    host, rest = _checked_host(absolute[1]), absolute[2]
    if not rest.startswith(b"/"):
        # A URL without path and query asks about the whole server (RFC 9112, section 3.2.4).
        rest = b"*" if is_options and not rest else b"/" + rest
    inbound.target = rest
    _replace_host(inbound, host)


def _replace_host(inbound: Inbound, host: bytes) -> None:
    """Let the target's host take the place of Host (RFC 9112, section 3.2.2)."""
    if inbound.host is None:
        inbound.lines.insert(0, (b"Host", host))
    else:
        inbound.lines = [
            (name, host) if kind_of(name) is Kind.HOST else (name, value)
            for name, value in inbound.lines
        ]
    inbound.host = host
    named = inbound.head.named
    if b"host" in named:
        named[b"host"] = host


def _settle_connection(inbound: Inbound, connection: list[bytes]) -> None:
    if not connection:
        inbound.keep_alive = inbound.is_http11
        return
    inbound.keep_alive = b"close" not in connection and (
        inbound.is_http11 or b"keep-alive" in connection
    )
    inbound.lines = without_named(inbound.lines, connection)


def without_named(lines: list[Header], connection: Collection[bytes]) -> list[Header]:
    """Remove the fields that Connection names (RFC 9110, 7.6.1), save those a proxy needs itself.

    ``Connection: Host`` must not strip the request of its Host, nor of its framing.
    """
    named = frozenset(connection)
    return [
        (name, value)
        for name, value in lines
        if kind_of(name) in _NEEDED or name.lower() not in named
    ]


_NEEDED = frozenset(
    {Kind.HOST, Kind.CONTENT_LENGTH, Kind.TRANSFER_ENCODING, Kind.EXPECT, Kind.TRACEPARENT}
)


def write_request(inbound: Inbound, extra: Sequence[bytes], *, authority: bytes = b"") -> bytes:
    """Write the head that a backend gets.

    Args:
        inbound: The request.
        extra: Whole field lines to add at the end, each with its CRLF.
        authority: Host for a request that brought none (HTTP/1.0): HTTP/1.1 needs one, if only an
            empty one (RFC 9112, section 3.2).
    """
    parts = [inbound.head.method, b" ", inbound.target, b" HTTP/1.1\r\n"]
    if inbound.host is None:
        parts += (b"Host: ", authority, b"\r\n")
    for name, value in inbound.lines:
        parts += (name, b": ", value, b"\r\n")
    parts += extra
    parts.append(b"\r\n")
    return b"".join(parts)
