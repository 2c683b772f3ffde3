"""Whole requests as plain as most are: judged line by line, and passed on as they came."""

from __future__ import annotations

import re

from gateway.wire.fields import Kind, Names, length_of, listed
from gateway.wire.inbound import MAX_FIELDS, MAX_TARGET_BYTES, Body, Inbound
from gateway.wire.lines import Lines
from gateway.wire.repeated import Repeated
from gateway.wire.request import HOST
from gateway.wire.taking import keep_named

_START = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[!-\"$-~]*) HTTP/1\.1\r\n")
"""A request line whose target needs no judging but its path's: ASCII, in origin form."""
_LENGTH = Body.LENGTH
_MOST_BYTES = 16 * 1024
"""Of a request with its body: more is read while the first of it is on its way already."""
_END = b"\r\n\r\n"

_READ, _HOST, _READ_HOST, _CONTENT, _TRACE, _FORWARDED, _DROPPED, _STRANGE = range(8)
"""What is to be done with a field line that does not just cross: let routing read it, take Host
(and let routing read that), length or trace context from it, hold it back, remove it, or leave the
request to the parser."""
_READABLE = frozenset({Kind.END_TO_END, Kind.HOST, Kind.FORWARDED})
"""Kinds that routing may read here."""
_Meaning = tuple[int, bytes, bytes] | None
"""What is to be done, name (lower-case where routing reads it), value. None: it just crosses."""
_ODD: _Meaning = (_STRANGE, b"", b"")
_TODO = {
    Kind.END_TO_END: _READ,
    Kind.HOST: _HOST,
    Kind.CONTENT_LENGTH: _CONTENT,
    Kind.TRACEPARENT: _TRACE,
    Kind.FORWARDED: _FORWARDED,
    Kind.FORGED: _DROPPED,
    Kind.CONNECTION: _DROPPED,
}


class PlainRequests:
    """Reads plain requests, and remembers what their lines meant."""

    def __init__(self, names: Names) -> None:
        """Judge fields by `names`, which also tell what routing reads."""
        self._names = names
        self._meanings: Lines[_Meaning] = Lines(self._judge, _ODD)
        self._meaning_of = self._meanings.__getitem__

    def _judge(self, name: bytes, value: bytes) -> _Meaning:
        known = self._names[name]
        if known is None:
            return None
        kind = known.kind
        todo = _TODO.get(kind, _STRANGE)
        if todo == _HOST and known.is_wanted:
            todo = _READ_HOST
        is_odd = (
            (known.is_wanted and kind not in _READABLE)
            or (kind is Kind.HOST and not HOST.fullmatch(value))
            or (kind is Kind.CONTENT_LENGTH and length_of(value) is None)
            or (kind is Kind.CONNECTION and listed(value) != [b"keep-alive"])
        )
        return _ODD if is_odd else (todo, known.lower if todo == _READ else name, value)

    def read(self, data: bytes, last: Repeated) -> tuple[Inbound, bytes] | None:
        """Read a whole request.

        Args:
            data: What has come behind the last request.
            last: What is remembered of that one.

        Returns:
            Head and body; None if this is not one whole request, or none so plain: then the parser
            must say what it is.
        """
        if len(data) > _MOST_BYTES:
            return None
        start, end = _START.match(data), data.find(_END)
        if start is None or end < 0:
            return None
        method, target = start.groups()
        fields = data[start.end() : end]
        inbound = Inbound(method, target, is_http11=True)
        inbound.path, _, inbound.query = target.partition(b"?")
        is_again = fields == last.fields
        if last.by is self and (is_again or last.is_like(fields)):
            inbound.fields = last.kept if is_again else fields
            inbound.named, inbound.host = last.named, last.host
            inbound.body, inbound.length = last.body, last.length
        elif self._read_fields(inbound, fields):
            last.note(self, inbound, fields, self._crosses)
        else:
            return None
        if len(target) > MAX_TARGET_BYTES:
            return None
        body = data[end + len(_END) :]
        return (inbound, body) if len(body) == inbound.length else None

    def _crosses(self, line: bytes) -> bool:
        return self._names[line.partition(b":")[0]] is None

    def _read_fields(self, inbound: Inbound, fields: bytes) -> bool:
        lines = fields.split(b"\r\n")
        inbound.fields = fields
        for todo, name, value in filter(None, map(self._meaning_of, lines)):
            if todo == _READ and name not in inbound.named:
                inbound.named[name] = value
            elif todo == _HOST and inbound.host is None:
                inbound.host = value
            elif not _take(inbound, todo, name, value):
                return False
        if inbound.host is None or len(lines) > MAX_FIELDS:
            return False
        if not inbound.fields:
            inbound.fields = self._kept(lines)
        return True

    def _kept(self, lines: list[bytes]) -> bytes:
        known = self._meanings
        return b"\r\n".join(
            line
            for line in lines
            if (meaning := known[line]) is None or meaning[0] not in (_FORWARDED, _DROPPED)
        )


def _take(inbound: Inbound, todo: int, name: bytes, value: bytes) -> bool:
    """Do what a rarer line wants; whether the parser need not be asked."""
    if todo == _CONTENT and inbound.body is not _LENGTH:
        inbound.body, inbound.length = _LENGTH, int(value)
    elif todo == _READ:
        keep_named(inbound.named, name, value)
    elif todo == _READ_HOST and inbound.host is None:
        inbound.host = inbound.named[b"host"] = value
    elif todo == _TRACE:
        inbound.traceparent = value
    elif todo == _FORWARDED:
        inbound.forwarded = [*(inbound.forwarded or ()), (name, value)]
        inbound.fields = b""
    elif todo == _DROPPED:
        inbound.fields = b""
    else:
        return False
    return True
