"""A line of a log, read as the record of one request: our access lines, or combined log format.

Combined log format is Apache's and nginx's, with or without a ``host:port`` before it; common log
format, which ends before the referer, is read as well.
"""

from __future__ import annotations

import re
from enum import Enum

import msgspec

from gateway.telemetry.access_line import StickyNotes, Told


class Unread(Enum):
    """Why a line is no record."""

    EMPTY = "empty"
    TORN = "torn"
    """The beginning or the end of a line is missing: a log that was cut or rotated."""
    FOREIGN = "foreign"
    """Something else: another program's line, or another format."""


class Record(msgspec.Struct, gc=False):
    """What a line says of a request, as far as decisions depend on it."""

    method: str
    path: str
    status: int
    time: str = ""
    client: str = ""
    route: str = ""
    """Where the gateway sent it; empty if it refused it, or in logs of others."""
    backend: str = ""
    reason: str = ""
    bucket: int | None = None
    sticky: StickyNotes | None = None
    """None where nothing was noted, as in those that follow."""
    headers: Told | None = None
    query: Told | None = None
    host: str = ""
    """The Host that was asked for, whether or not some route matched on it then."""


class CombinedRecord(Record, gc=False):
    """A line of another server's log: the whole query is known, of the headers but two."""

    raw_query: bytes = b""


_DECODER = msgspec.json.Decoder(Record)
_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_COMBINED = re.compile(
    rb"(?:(\S+):\d{1,5} )?(\S+) \S+ [^\[]*\[([^\]]+)\] "
    + _QUOTED
    + rb" (\d{3}) (?:\d+|-)(?: "
    + _QUOTED
    + rb" "
    + _QUOTED
    + rb")?"
)
_REQUEST = re.compile(rb"(\S+) (\S+)(?: HTTP/[0-9.]+)?")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LIKE_OURS = b'{"time":'
_LIKE_COMBINED = re.compile(rb'\S+ \S+ [^\[]*\[[^\]]+\] "')


def read_line(line: bytes) -> Record | Unread:
    """Read a line, without its newline."""
    if line[:1] == b"{":
        return _read_ours(line)
    found = _COMBINED.match(line)
    if found is None:
        return _why_not(line)
    return _combined(found)


def _read_ours(line: bytes) -> Record | Unread:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        return Unread.FOREIGN
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Unread.TORN if line.startswith(_LIKE_OURS) else Unread.FOREIGN


def _why_not(line: bytes) -> Unread:
    if not line.strip():
        return Unread.EMPTY
    is_end_of_ours = line.endswith(b"}") and b'"' in line
    return Unread.TORN if is_end_of_ours or _LIKE_COMBINED.match(line) else Unread.FOREIGN


def _combined(found: re.Match[bytes]) -> Record | Unread:
    host, client, time, request, status, referer, agent = found.groups()
    parts = _REQUEST.fullmatch(_unescaped(request))
    if parts is None:
        # A request line that the server could not read: it has reached no route.
        return CombinedRecord("", "", int(status), time.decode("latin-1"))
    path, _, query = _without_origin(parts[2]).partition(b"?")
    headers: Told = {}
    if agent is not None:
        headers = {"referer": _value(referer), "user-agent": _value(agent)}
    if host is not None:
        headers["host"] = host.decode("latin-1")
    return CombinedRecord(
        parts[1].decode("latin-1"),
        path.decode("latin-1") or "/",
        int(status),
        time.decode("latin-1"),
        "" if client == b"-" else client.decode("latin-1"),
        headers=headers,
        raw_query=query,
    )


def _without_origin(target: bytes) -> bytes:
    """``http://shop/x`` -> ``/x``; a URL further behind is part of the path, or of the query."""
    found = _ABSOLUTE.match(target)
    return target[found.end() :] if found else target


def _value(field: bytes | None) -> str | None:
    return None if field in {None, b"-"} else _unescaped(field or b"").decode("latin-1")


def _unescaped(text: bytes) -> bytes:
    r"""``\x22`` as nginx writes it, ``\"`` as Apache does."""
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 16),)) if m[1] else m[2], text)
