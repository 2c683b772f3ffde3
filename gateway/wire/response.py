"""Reading a backend's answer and writing it anew for the customer (RFC 9112, section 6.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.wire.fields import PLAIN, Kind, kind_of, length_of, listed
from gateway.wire.inbound import MAX_FIELDS, MAX_HEAD_BYTES, Body
from gateway.wire.messages import Header
from gateway.wire.request import without_named

_REASON = re.compile(rb"[\t -~\x80-\xFF]*")
"""All that a reason phrase can hold (RFC 9112, section 4): elsewhere some readers end the line."""
_COMMON_REASONS = frozenset({b"OK", b"Created", b"No Content", b"Not Modified", b"Not Found", b""})
"""Known to hold nothing bad."""
_VERSIONS = ("1.1", "1.0")
_SPACE = b" \t"
_NO_CONTENT, _UPGRADE_REQUIRED = 204, 426
NO_BODY = frozenset({_NO_CONTENT, 304})
"""Status codes of answers that have none, whatever they say."""
FIRST_INTERIM, SWITCHING_PROTOCOLS = 100, 101
FIRST_FINAL = 200
"""Status codes below are interim: another head follows."""
LAST_STATUS = 599
_NONE, _LENGTH, _CHUNKED, _CLOSE = Body
_LENGTH_KIND = Kind.CONTENT_LENGTH
ONE_CONNECTIONS = frozenset(
    {Kind.HOP, Kind.CONNECTION, Kind.UPGRADE, Kind.TE, Kind.CONTENT_LENGTH, Kind.TRANSFER_ENCODING}
)
"""Of an interim answer nothing but these is removed."""
_CONTENT_TYPE = re.compile(rb"\r\nContent-Type:[ \t]*([^\r]*)", re.IGNORECASE)
_join_field = b": ".join


class BadResponse(Exception):  # noqa: N818 - the counterpart of BadRequest
    """An answer that cannot be passed on safely: 502, and its connection is dropped."""


class Outbound:
    """An answer's head, read and found unambiguous."""

    __slots__ = (
        "_lines",
        "body",
        "has_coding",
        "head",
        "keep_alive",
        "length",
        "reason",
        "status",
        "upgrade",
    )

    def __init__(
        self,
        status: int,
        reason: bytes,
        lines: list[Header] | None = None,
        length: int | None = None,
        head: bytes = b"",
    ) -> None:
        """Take a head: its field lines, or all of it as bytes; `length` is None if unknown."""
        self.status = status
        self.reason = reason
        self._lines = lines
        self.head = head
        """As it goes to customers who speak HTTP/1.1 and stay; empty if it has to be written."""
        self.body = _NONE if length is None else _LENGTH
        self.length = length or 0
        """Body length in bytes where `body` is LENGTH."""
        self.keep_alive = True
        """Whether the backend lets its connection be used again."""
        self.has_coding = False
        """Whether the answer to HEAD tells of a chunked body."""
        self.upgrade: bytes | None = None
        """Protocols that the backend goes on in (101) or asks for (426)."""

    @property
    def lines(self) -> list[Header]:
        """End-to-end field lines in order, names as received.

        Content-Length included, save where an answer may not have one (1xx, 204: RFC 9110, 8.6).
        """
        if self._lines is None:
            lines = (line.partition(b": ") for line in self.head.split(b"\r\n")[1:-2])
            self._lines = [(name, value) for name, _, value in lines]
        return self._lines

    @lines.setter
    def lines(self, lines: list[Header]) -> None:
        self._lines = lines


def content_type(outbound: Outbound) -> bytes:
    """What an answer says that its body is; empty if it does not."""
    if outbound.head:
        found = _CONTENT_TYPE.search(outbound.head)
        return found[1] if found else b""
    return next((value for name, value in outbound.lines if name.lower() == b"content-type"), b"")


class _Framing:
    """What an answer's rarer fields say of its body and its connection."""

    __slots__ = ("codings", "connection", "lengths", "upgrade")

    def __init__(self) -> None:
        self.lengths: list[bytes] = []
        self.codings: list[bytes] = []
        self.connection: list[bytes] = []
        self.upgrade: list[bytes] = []

    def take(self, kind: Kind, line: Header, lines: list[Header]) -> None:
        """Put a field where its kind belongs."""
        value = line[1].strip(_SPACE)
        if kind is Kind.CONTENT_LENGTH:
            self.lengths.append(value)
        elif kind is Kind.TRANSFER_ENCODING:
            # As the parser reads it: to it a tab belongs to the name, and the frames to the body.
            self.codings.append(line[1].strip(b" ").lower())
        elif kind is Kind.CONNECTION:
            self.connection += listed(value)
        elif kind is Kind.UPGRADE:
            self.upgrade.append(value)
        elif kind not in ONE_CONNECTIONS:
            lines.append(line)


def read_response(
    method: bytes, version: str, status: int, reason: bytes, headers: Sequence[Header]
) -> Outbound:
    """Read a parsed answer to a request of `method`.

    Raises:
        BadResponse: The status or the framing is ambiguous or malformed.
    """
    if (
        reason not in _COMMON_REASONS
        or version != "1.1"
        or not FIRST_FINAL <= status <= LAST_STATUS
    ):
        _check_start(version, status, reason)
    lines: list[Header] = []
    outbound = Outbound(status, reason, lines)
    length: bytes | None = None
    framing: _Framing | None = None
    for line in headers:
        known = PLAIN[line[0]]
        if known is None:
            lines.append(line)
        elif known.kind is _LENGTH_KIND and length is None:
            length = line[1].strip(_SPACE)
            lines.append(line)
        else:
            framing = framing or _Framing()
            framing.take(known.kind, line, lines)
    is_plain = framing is None and version == "1.1" and status >= FIRST_FINAL
    if is_plain and length is not None and method != b"HEAD" and status not in NO_BODY:
        outbound.body, outbound.length = _LENGTH, _read_length(length)
    else:
        _settle(outbound, method, version, length, framing or _Framing())
    return outbound


def _settle(
    outbound: Outbound, method: bytes, version: str, length: bytes | None, framing: _Framing
) -> None:
    """Settle the connection, and where the body ends (RFC 9112, section 6.3)."""
    status = outbound.status
    _settle_connection(outbound, version, framing)
    _check_framing(length, framing)
    length_bytes = 0 if length is None else _read_length(length)
    if status < FIRST_FINAL or status == _NO_CONTENT:
        lines = outbound.lines
        outbound.lines = [line for line in lines if kind_of(line[0]) is not _LENGTH_KIND]
    if method == b"HEAD" or status < FIRST_FINAL or status in NO_BODY:
        may_tell = status >= FIRST_FINAL and status != _NO_CONTENT
        outbound.has_coding = may_tell and bool(framing.codings) and method == b"HEAD"
        return
    if length is not None:
        outbound.body, outbound.length = _LENGTH, length_bytes
    elif framing.codings:
        outbound.body = _CHUNKED
    else:
        outbound.body, outbound.keep_alive = _CLOSE, False


def _read_length(length: bytes) -> int:
    length_bytes = length_of(length)
    if length_bytes is None:
        raise BadResponse(f"Content-Length {length[:40]!r} is not a number")
    return length_bytes


def read_switch(
    offered: bytes | None, version: str, reason: bytes, headers: Sequence[Header]
) -> Outbound:
    """Read the head of a 101 answer to a request that offered to go on in other protocols.

    Args:
        offered: The Upgrade that the backend was sent; None if it was sent none.
        version: ``1.0`` or ``1.1``.
        reason: Reason phrase.
        headers: Field lines in order.

    Raises:
        BadResponse: The backend does not say so as RFC 9110, section 7.8, has it, or has chosen
            what nobody offered.
    """
    if offered is None:
        raise BadResponse("a protocol upgrade that was not asked for")
    if version != "1.1":
        raise BadResponse(f"status 101 in HTTP/{version}")
    check_reason(reason)
    framing = _Framing()
    lines: list[Header] = []
    for line in headers:
        known = PLAIN[line[0]]
        if known is None:
            lines.append(line)
        else:
            framing.take(known.kind, line, lines)
    if framing.lengths or framing.codings:
        raise BadResponse("status 101 with a body")
    chosen = b", ".join(framing.upgrade)
    if b"upgrade" not in framing.connection:
        raise BadResponse("status 101 without Connection: Upgrade")
    if not listed(chosen) or not set(listed(chosen)) <= set(listed(offered)):
        raise BadResponse(f"status 101 to {chosen[:40]!r}, where {offered[:40]!r} was offered")
    outbound = Outbound(SWITCHING_PROTOCOLS, reason, without_named(lines, framing.connection))
    outbound.upgrade = chosen
    return outbound


def _check_start(version: str, status: int, reason: bytes) -> None:
    if not FIRST_INTERIM <= status <= LAST_STATUS:
        raise BadResponse(f"status {status} does not exist")
    if version not in _VERSIONS:
        raise BadResponse(f"HTTP/{version} was not asked for")
    check_reason(reason)


def check_reason(reason: bytes) -> None:
    """See that a reason phrase ends where everybody thinks it does.

    Raises:
        BadResponse: It holds a control character.
    """
    if not _REASON.fullmatch(reason):
        raise BadResponse("a control character in the reason phrase")


def _settle_connection(outbound: Outbound, version: str, framing: _Framing) -> None:
    connection = framing.connection
    if connection:
        outbound.lines = without_named(outbound.lines, connection)
    outbound.keep_alive = b"close" not in connection and (
        version == "1.1" or b"keep-alive" in connection
    )
    if framing.codings and version != "1.1":
        raise BadResponse(f"a transfer coding in HTTP/{version}")
    if framing.upgrade and outbound.status == _UPGRADE_REQUIRED:
        outbound.upgrade = b", ".join(framing.upgrade)


def _check_framing(length: bytes | None, framing: _Framing) -> None:
    codings = framing.codings
    if framing.lengths or (codings and length is not None):
        raise BadResponse("the body's length is given more than once")
    if codings and codings != [b"chunked"]:
        raise BadResponse(f"transfer coding {b', '.join(codings)[:40]!r} is not understood")


def write_response(outbound: Outbound, *, to_http11: bool, keep_alive: bool) -> bytes:
    """Write the head that the customer gets.

    A body of unknown length goes chunked to HTTP/1.1 and ends with the connection for HTTP/1.0, so
    `keep_alive` must be False there.
    """
    fields = b"\r\n".join(map(_join_field, outbound.lines))
    body = outbound.body
    has_end = body is _LENGTH or body is _NONE
    is_odd = outbound.upgrade is not None or outbound.has_coding
    if has_end and fields and keep_alive and to_http11 and not is_odd:
        return b"HTTP/1.1 %d %b\r\n%b\r\n\r\n" % (outbound.status, outbound.reason, fields)
    if fields:
        fields += b"\r\n"
    if to_http11 and (body is _CHUNKED or body is _CLOSE or outbound.has_coding):
        fields += b"Transfer-Encoding: chunked\r\n"
    if outbound.upgrade is not None:
        fields += b"Connection: Upgrade\r\nUpgrade: %b\r\n" % outbound.upgrade
    if not keep_alive:
        fields += b"Connection: close\r\n"
    elif not to_http11:
        fields += b"Connection: keep-alive\r\n"
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (outbound.status, outbound.reason, fields)


def write_interim(status: int, reason: bytes, headers: Sequence[Header]) -> bytes:
    """Write a 1xx head (RFC 9110, section 15.2), without its hop-by-hop fields."""
    connection = [m for n, v in headers if kind_of(n) is Kind.CONNECTION for m in listed(v)]
    kept = [(n, v) for n, v in headers if kind_of(n) not in ONE_CONNECTIONS]
    kept = without_named(kept, connection)
    fields = b"".join(b"%b: %b\r\n" % (name, value) for name, value in kept)
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, fields)


def check_head(fields: Sequence[Header]) -> None:
    """See that an answer's head is of a size that somebody can have meant.

    Raises:
        BadResponse: It is not.
    """
    head_bytes = sum(len(name) + len(value) + 4 for name, value in fields)
    if head_bytes > MAX_HEAD_BYTES or len(fields) > MAX_FIELDS:
        raise BadResponse(f"a head of {len(fields)} fields, {head_bytes} bytes")
