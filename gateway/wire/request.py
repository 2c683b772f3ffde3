"""Reading a request's head and writing it anew for a backend (RFC 9110, 7.6; RFC 9112, 3 and 6).

What two parsers could read in two ways is refused here; everything else crosses as it came: target,
field order, duplicates and the case of names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gateway.wire.fields import PLAIN, Kind, Names, kind_of, listed
from gateway.wire.inbound import (
    MAX_FIELDS,
    MAX_TARGET_BYTES,
    BadRequest,
    Inbound,
    malformed,
    too_large,
)
from gateway.wire.messages import Header
from gateway.wire.taking import keep_named, take_known

HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)
"""RFC 3986 ``uri-host [":" port]``: no userinfo, no space; no comma either, which makes a list."""
METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 9.1. For doors whose server lets others pass: behind a space in it, a backend
could read another target."""
_TARGET = re.compile(rb"[!-\"$-~\x80-\xFF]*")
"""What a request target can hold; at a space, a control or ``#`` some backends would end it."""
_ORIGIN_FORM = re.compile(rb"/[!-\"$-~\x80-\xFF]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_UNSUPPORTED = frozenset({b"CONNECT", b"TRACE"})
_SPACE = b" \t"
_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
"""Connection options whose fields have kinds of their own."""
_BLIND = (b"h2", b"http/", b"tls/")
"""Beginnings of the protocols that are not gone on in, in lower case."""
_join_field = b": ".join
_TRACE_DIGITS = 32
_checked_hosts: set[bytes] = set()
_MAX_CHECKED, _MAX_CHECKED_BYTES = 1024, 64
"""A gateway serves a handful of hosts; a hostile client can only have them checked anew."""
_END_TO_END, _HOST_KIND = Kind.END_TO_END, Kind.HOST


def read_request(
    method: bytes,
    target: bytes,
    version: str,
    headers: Sequence[Header],
    names: Names = PLAIN,
) -> Inbound:
    """Read a parsed head.

    Args:
        method: As received.
        target: Request target as received.
        version: ``1.0`` or ``1.1``.
        headers: Field lines in order, names as received.
        names: What is known of each name, and which values routing reads. Those of Forwarded,
            X-Forwarded-* and X-Figueira-* are held back until `read_believed`.

    Raises:
        BadRequest: The head is ambiguous, malformed or not supported.
    """
    is_http11 = version == "1.1"
    if method in _UNSUPPORTED or not (is_http11 or version == "1.0"):
        raise _unsupported(method)
    if len(target) > MAX_TARGET_BYTES or len(headers) > MAX_FIELDS:
        raise _too_long(target)
    inbound = Inbound(method, target, is_http11=is_http11)
    cross = inbound.lines.append
    for line in headers:
        known = names[line[0]]
        if known is None:
            cross(line)
        elif known.kind is _END_TO_END:
            keep_named(inbound.named, known.lower, line[1])
            cross(line)
        elif known.kind is _HOST_KIND and inbound.host is None and not known.is_wanted:
            inbound.host = line[1].strip(_SPACE)
            cross(line)
        else:
            take_known(inbound, known, line)
    if inbound.host in _checked_hosts and _ORIGIN_FORM.fullmatch(target):
        inbound.path, _, inbound.query = target.partition(b"?")
    else:
        _settle_target(inbound, names)
    if inbound.connection or inbound.takes_trailers or inbound.upgrade is not None:
        _settle_connection(inbound)
    return inbound


def read_believed(inbound: Inbound, fields: Sequence[Header], names: Names) -> None:
    """Let routing read `fields` too, now that their sender is known to be believed.

    Args:
        inbound: The request they came with.
        fields: Those held back.
        names: As for `read_request`.
    """
    for name, value in fields:
        known = names[name]
        if known is not None and known.is_wanted:
            keep_named(inbound.named, known.lower, value)


def _unsupported(method: bytes) -> BadRequest:
    if method in _UNSUPPORTED:
        return BadRequest(501, "Not Implemented", "This method is not supported.")
    return BadRequest(505, "HTTP Version Not Supported", "Only HTTP/1.0 and 1.1 are spoken here.")


def _too_long(target: bytes) -> BadRequest:
    if len(target) > MAX_TARGET_BYTES:
        return BadRequest(414, "URI Too Long", f"The target is over {MAX_TARGET_BYTES} bytes.")
    return too_large(f"more than {MAX_FIELDS} header fields")


def _settle_target(inbound: Inbound, names: Names) -> None:
    """Check Host and target; leave the target in origin form or ``*`` (RFC 9112, section 3.2)."""
    target = inbound.target
    if inbound.host is None:
        if inbound.is_http11:
            raise malformed("A request has exactly one Host.")
    elif inbound.host not in _checked_hosts:
        _check_host(inbound.host)
    if not _TARGET.fullmatch(target):
        raise malformed("The target has a character that no URL can have.")
    if not target.startswith(b"/"):
        _settle_other_form(inbound, names)
        target = inbound.target
    inbound.path, _, inbound.query = target.partition(b"?")


def _check_host(host: bytes) -> None:
    if not HOST.fullmatch(host):
        raise malformed("Host is malformed.")
    if len(host) <= _MAX_CHECKED_BYTES:
        if len(_checked_hosts) >= _MAX_CHECKED:
            _checked_hosts.clear()
        _checked_hosts.add(host)


def _settle_other_form(inbound: Inbound, names: Names) -> None:
    is_options = inbound.method == b"OPTIONS"
    if is_options and inbound.target == b"*":
        return
    absolute = _ABSOLUTE.fullmatch(inbound.target)
    if not absolute:
        raise malformed("The target is neither a path nor a URL of this server.")
    host, rest = absolute[1], absolute[2]
    _check_host(host)
    if not rest.startswith(b"/"):
        # A URL without path and query asks about the whole server (RFC 9112, section 3.2.4).
        rest = b"*" if is_options and not rest else b"/" + rest
    inbound.target = rest
    _replace_host(inbound, host, names)


def _replace_host(inbound: Inbound, host: bytes, names: Names) -> None:
    """Let the target's host take the place of Host (RFC 9112, section 3.2.2)."""
    if inbound.host is None:
        inbound.lines.insert(0, (b"Host", host))
    else:
        inbound.lines = [
            (name, host) if kind_of(name) is _HOST_KIND else (name, value)
            for name, value in inbound.lines
        ]
    inbound.host = host
    known = names[b"host"]
    if known is not None and known.is_wanted:
        inbound.named[b"host"] = host


def _settle_connection(inbound: Inbound) -> None:
    """Drop what Connection names; say what of this connection goes for the backend's, too."""
    connection = inbound.connection
    if connection:
        inbound.keep_alive = b"close" not in connection and (
            inbound.is_http11 or b"keep-alive" in connection
        )
        if connection - _OPTIONS:
            inbound.lines = without_named(inbound.lines, connection)
    options = []
    if not (inbound.is_http11 and b"upgrade" in connection and _may_upgrade(inbound)):
        inbound.upgrade = None
    if inbound.upgrade is not None:
        inbound.lines.append((b"Upgrade", inbound.upgrade))
        options.append(b"Upgrade")
    if inbound.takes_trailers and inbound.is_http11:
        inbound.lines.append((b"TE", b"trailers"))
        options.append(b"TE")
    if options:
        inbound.lines.append((b"Connection", b", ".join(options)))


def _may_upgrade(inbound: Inbound) -> bool:
    """Whether bytes behind this request can belong to another protocol, and to none we refuse.

    HTTP/2 and TLS would carry requests past every check of this gateway.
    """
    offered = listed(inbound.upgrade or b"")
    is_blind = any(protocol.startswith(_BLIND) for protocol in offered)
    return bool(offered) and not is_blind and not inbound.has_body


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


def write_request(
    inbound: Inbound, extra: bytes = b"", trace: bytes = b"", *, authority: bytes = b""
) -> bytes:
    """Write the head that a backend gets.

    Args:
        inbound: The request.
        extra: Whole field lines to add at the end, each with its CRLF.
        trace: For a request that brought no traceparent: the digits of a trace id and a parent id
            (W3C Trace Context, section 3.2; version 00, sampled). Empty adds none.
        authority: Host for a request that brought none (HTTP/1.0): HTTP/1.1 needs one, if only an
            empty one (RFC 9112, section 3.2).
    """
    fields = inbound.fields
    if not fields:
        lines = inbound.lines
        if inbound.host is None:
            lines = [(b"Host", authority), *lines]
        inbound.fields = fields = b"\r\n".join(map(_join_field, lines))
    if not trace:
        return b"%b %b HTTP/1.1\r\n%b\r\n%b\r\n" % (inbound.method, inbound.target, fields, extra)
    return b"%b %b HTTP/1.1\r\n%b\r\n%btraceparent: 00-%b-%b-01\r\n\r\n" % (
        inbound.method,
        inbound.target,
        fields,
        extra,
        trace[:_TRACE_DIGITS],
        trace[_TRACE_DIGITS:],
    )
