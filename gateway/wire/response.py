"""Reading a backend's answer and writing it anew for the customer (RFC 9112, section 6.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.wire.fields import Kind, kind_of, listed
from gateway.wire.messages import Header
from gateway.wire.request import Body, without_named

_CONTROL = re.compile(rb"[\x00-\x08\x0A-\x1F\x7F]")
"""What a reason phrase cannot hold (RFC 9112, section 4): some readers would end the line there."""
_VERSIONS = ("1.1", "1.0")
_NO_CONTENT = 204
_NO_BODY = frozenset({_NO_CONTENT, 304})
_ONE_CONNECTIONS = frozenset(
    {Kind.HOP, Kind.CONNECTION, Kind.CONTENT_LENGTH, Kind.TRANSFER_ENCODING}
)
"""Of an interim answer nothing but these is removed."""
SWITCHING_PROTOCOLS = 101
FIRST_FINAL = 200
"""Status codes below are interim: another head follows."""
LAST_STATUS = 599


class BadResponse(Exception):  # noqa: N818 - the counterpart of BadRequest
    """An answer that cannot be passed on safely: 502, and its connection is dropped."""


@dataclass(slots=True)
class Outbound:
    """An answer's head, read and found unambiguous."""

    status: int
    reason: bytes
    lines: list[Header]
    """End-to-end field lines in order, names as received; Content-Length included, save where an
    answer may not have one (1xx, 204: RFC 9110, section 8.6)."""
    body: Body
    length: int = 0
    """Body length in bytes where `body` is LENGTH."""
    keep_alive: bool = True
    """Whether the backend lets its connection be used again."""


def read_response(
    method: bytes, version: str, status: int, reason: bytes, headers: Sequence[Header]
) -> Outbound:
    """Read a parsed answer to a request of `method`.

    Raises:
        BadResponse: The status or the framing is ambiguous or malformed.
    """
    _check_start(version, status, reason)
    lines: list[Header] = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    connection: list[bytes] = []
    for name, value in headers:
        kind = kind_of(name)
        if not kind:
            lines.append((name, value))
        elif kind is Kind.CONTENT_LENGTH:
            lengths.append(value.strip(b" \t"))
            lines.append((name, value))
        elif kind is Kind.TRANSFER_ENCODING:
            codings.append(value.strip(b" \t").lower())
        elif kind is Kind.CONNECTION:
            connection += listed(value)
        elif kind is not Kind.HOP:
            lines.append((name, value))
    if connection:
        lines = without_named(lines, connection)
    outbound = Outbound(status, reason, lines, Body.NONE)
    outbound.keep_alive = b"close" not in connection and (
        version == "1.1" or b"keep-alive" in connection
    )
    if codings and version != "1.1":
        raise BadResponse(f"a transfer coding in HTTP/{version}")
    _settle_body(outbound, method, lengths, codings)
    return outbound


def _check_start(version: str, status: int, reason: bytes) -> None:
    if not 100 <= status <= LAST_STATUS:  # noqa: PLR2004 - the first status code there is
        raise BadResponse(f"status {status} does not exist")
    if version not in _VERSIONS:
        raise BadResponse(f"HTTP/{version} was not asked for")
    if _CONTROL.search(reason):
        raise BadResponse("a control character in the reason phrase")


def _settle_body(
    outbound: Outbound, method: bytes, lengths: list[bytes], codings: list[bytes]
) -> None:
    if len(lengths) > 1 or (lengths and codings):
        raise BadResponse("the body's length is given more than once")
    if lengths and not (lengths[0].isdigit() and len(lengths[0]) <= 18):  # noqa: PLR2004 - 63 bits
        raise BadResponse(f"Content-Length {lengths[0][:40]!r} is not a number")
    if codings and codings != [b"chunked"]:
        raise BadResponse(f"transfer coding {b', '.join(codings)[:40]!r} is not understood")
    if lengths and (outbound.status < FIRST_FINAL or outbound.status == _NO_CONTENT):
        outbound.lines = [
            line for line in outbound.lines if kind_of(line[0]) is not Kind.CONTENT_LENGTH
        ]
    if method == b"HEAD" or outbound.status < FIRST_FINAL or outbound.status in _NO_BODY:
        return
    if codings:
        outbound.body = Body.CHUNKED
    elif lengths:
        outbound.body, outbound.length = Body.LENGTH, int(lengths[0])
    else:
        outbound.body, outbound.keep_alive = Body.CLOSE, False


def write_response(outbound: Outbound, *, to_http11: bool, keep_alive: bool) -> bytes:
    """Write the head that the customer gets.

    A body of unknown length goes chunked to HTTP/1.1 and ends with the connection for HTTP/1.0, so
    `keep_alive` must be False there.
    """
    parts = [b"HTTP/1.1 %d %b\r\n" % (outbound.status, outbound.reason)]
    for name, value in outbound.lines:
        parts += (name, b": ", value, b"\r\n")
    if outbound.body in (Body.CHUNKED, Body.CLOSE) and to_http11:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if not keep_alive:
        parts.append(b"Connection: close\r\n")
    elif not to_http11:
        parts.append(b"Connection: keep-alive\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def write_interim(status: int, reason: bytes, headers: Sequence[Header]) -> bytes:
    """Write a 1xx head (RFC 9110, section 15.2), without its hop-by-hop fields."""
    connection = [m for n, v in headers if kind_of(n) is Kind.CONNECTION for m in listed(v)]
    kept = [(n, v) for n, v in headers if kind_of(n) not in _ONE_CONNECTIONS]
    kept = without_named(kept, connection)
    fields = b"".join(b"%b: %b\r\n" % (name, value) for name, value in kept)
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, fields)
