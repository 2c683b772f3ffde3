"""A request of httpx as bytes for a backend, its header fields exactly as they are.

What could be read in two ways is not sent: httpx lets its callers write anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx

from gateway.wire.messages import Header

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(rb"[!-~\x80-\xff]+")
_VALUE = re.compile(rb"[^\x00\r\n]*")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class Outgoing:
    """A request: its head, and how its body is framed."""

    def __init__(self, request: httpx.Request) -> None:
        """Write the head.

        Raises:
            httpx.LocalProtocolError: Two parsers could read it in two ways.
        """
        self._request = request
        headers = request.headers.raw
        self.method = request.method.encode("ascii", "replace")
        target = request.extensions.get("target", request.url.raw_path)
        self._check(self.method, target, headers)
        self._is_chunked, self._left = self._read_framing(headers)
        lines = b"".join(b"%b: %b\r\n" % line for line in headers)
        self.head = b"%b %b HTTP/1.1\r\n%b\r\n" % (self.method, target, lines)

    def piece(self, data: bytes) -> list[bytes]:
        """A piece of the body, framed.

        Raises:
            httpx.LocalProtocolError: There is more than Content-Length says.
        """
        if not data:
            return []
        if self._is_chunked:
            return [b"%x\r\n" % len(data), data, b"\r\n"]
        self._left -= len(data)
        if self._left < 0:
            raise self._wrong("the body is longer than its Content-Length")
        return [data]

    def end(self) -> list[bytes]:
        """What stands behind the body.

        Raises:
            httpx.LocalProtocolError: There is less than Content-Length says.
        """
        if self._left:
            raise self._wrong("the body is shorter than its Content-Length")
        return [b"0\r\n\r\n"] if self._is_chunked else []

    def _check(self, method: bytes, target: bytes, headers: Sequence[Header]) -> None:
        if not _TOKEN.fullmatch(method) or method == b"CONNECT":
            raise self._wrong(f"bad method {method[:40]!r}")
        if not _TARGET.fullmatch(target):
            raise self._wrong(f"bad target {target[:40]!r}")
        for name, value in headers:
            if not (_TOKEN.fullmatch(name) and _VALUE.fullmatch(value)):
                raise self._wrong(f"bad header {name[:40]!r}")

    def _read_framing(self, headers: Sequence[Header]) -> tuple[bool, int]:
        """Whether the body is chunked; else its length (RFC 9112, section 6.2)."""
        values: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            values.setdefault(name.lower(), []).append(value.strip())
        if len(values.get(b"host", ())) != 1:
            raise self._wrong("a request has exactly one Host")
        lengths, codings = (values.get(n, []) for n in (b"content-length", b"transfer-encoding"))
        if len(lengths) + len(codings) > 1:
            raise self._wrong("the body's length is given more than once")
        if codings and codings[0].lower() != b"chunked":
            raise self._wrong("the only transfer coding known is chunked")
        if lengths and not _LENGTH.fullmatch(lengths[0]):
            raise self._wrong("Content-Length is not a number")
        return bool(codings), int(lengths[0]) if lengths else 0

    def _wrong(self, what: str) -> httpx.LocalProtocolError:
        return httpx.LocalProtocolError(what, request=self._request)
