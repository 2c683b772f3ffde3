"""A merged list as HTTP: what the sides are asked, and the one answer that comes of theirs.

No side is asked on conditions, for a range or in a coding: the validators and the bytes of a part
mean nothing for the whole. The answer's fields are the first side's, save those that speak of its
part alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.wire.inbound import Body
from gateway.wire.lists import NotAListError
from gateway.wire.messages import Header
from gateway.wire.response import Outbound

OK, NOT_MODIFIED, PRECONDITION_FAILED = 200, 304, 412
_PARTIAL = 206
_NOT_ASKED = frozenset(
    b"if-match if-none-match if-modified-since if-unmodified-since if-range range accept-encoding "
    b"te upgrade connection expect content-length transfer-encoding trailer".split()
)
"""Of the customer's fields."""
_OF_A_PART = frozenset(
    b"etag last-modified content-encoding content-md5 digest content-digest repr-digest "
    b"accept-ranges content-range age".split()
)
"""Of a side's fields."""
_CACHING = frozenset({b"cache-control", b"expires", b"pragma"})
_NOT_OF_304 = frozenset({b"content-length", b"content-type", b"content-language"})
_RELATIONS = re.compile(rb"\brel\s*=\s*\"?([^\",;]*)", re.IGNORECASE)
_PAGE = re.compile(rb"\b(?:next|prev|previous)\b", re.IGNORECASE)
"""Looked for within relations: in one pattern, a Link of 64 KiB would take seconds."""
_TAG = re.compile(rb'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """A customer's request for a list."""

    method: bytes
    target: bytes
    lines: tuple[Header, ...]
    """For each side, Host included."""
    accept: bytes
    if_match: bytes | None
    if_none_match: bytes | None
    has_body: bool

    def unlisted(self, allowed: Collection[str] | None) -> bool:
        """Whether the query has a key that is not `allowed`; None allows any."""
        if allowed is None:
            return False
        query = self.target.partition(b"?")[2]
        keys = (pair.partition(b"=")[0] for pair in query.split(b"&") if pair)
        wanted = {key.encode() for key in allowed}
        return any(unquote_to_bytes(key.replace(b"+", b" ")) not in wanted for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPart:
    """A side's whole answer."""

    backend: str
    status: int
    reason: bytes
    lines: Sequence[Header]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        """A field's lines, by its lower-case name."""
        return [value.strip() for n, value in self.lines if n.lower() == name]

    def check(self) -> None:
        """See that it is a whole list, as far as its head tells.

        Raises:
            NotAListError: It is not.
        """
        if self.status == _PARTIAL or self.values(b"content-range"):
            raise NotAListError(self.backend, "a range of a list")
        if self.status != OK:
            raise NotAListError(self.backend, f"status {self.status}")
        links = self.values(b"link")
        if any(_PAGE.search(found[1]) for link in links for found in _RELATIONS.finditer(link)):
            raise NotAListError(self.backend, "a page of a list (Link)")
        if any(v.lower() != b"identity" for v in self.values(b"content-encoding")):
            raise NotAListError(self.backend, "a list in a coding that was not asked for")


def read_list_request(head: bytes) -> ListRequest:
    """Take apart a request's head, as it was written for one backend."""
    start, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = start.split(b" ")
    lines: list[Header] = []
    kept: dict[bytes, bytes] = {}
    for line in rest:
        name, _, value = line.partition(b": ")
        lower = name.lower()
        kept[lower] = kept[lower] + b", " + value if lower in kept else value
        if lower not in _NOT_ASKED:
            lines.append((name, value))
    lines.append((b"Accept-Encoding", b"identity"))
    return ListRequest(
        method=method,
        target=target,
        lines=tuple(lines),
        accept=kept.get(b"accept", b""),
        if_match=kept.get(b"if-match"),
        if_none_match=kept.get(b"if-none-match"),
        has_body=b"transfer-encoding" in kept or kept.get(b"content-length", b"0") != b"0",
    )


def agreed_refusal(parts: Sequence[ListPart]) -> ListPart | None:
    """The first side's answer if all answer alike, and not with a list: 401, 403, 503, ..."""
    first = parts[0]
    alike = first.status not in {OK, _PARTIAL} and all(p.status == first.status for p in parts)
    return first if alike else None


def write_refusal(request: ListRequest, part: ListPart) -> tuple[Outbound, bytes]:
    """A side's answer as it is."""
    return _answer(request, part, list(part.lines), part.body)


def write_list(
    request: ListRequest, parts: Sequence[ListPart], body: bytes
) -> tuple[Outbound, bytes]:
    """The head and the body of the answer; 304 or 412 where the request's conditions say so.

    The list has a validator of its own if the first side's has one.
    """
    first = parts[0]
    lines = [line for line in first.lines if line[0].lower() not in _OF_A_PART]
    if any(_caching(part) != _caching(first) for part in parts):
        lines = _without(lines, _CACHING)
        lines.append((b"Cache-Control", b"no-store"))
    for part in parts[1:]:
        lines += [
            (b"Vary", value) for value in part.values(b"vary") if (b"Vary", value) not in lines
        ]
    if first.values(b"etag"):
        etag = b'"%b"' % hashlib.blake2b(body, digest_size=16).hexdigest().encode()
        lines.append((b"ETag", etag))
        status = judge_conditions(request, etag)
        if status == NOT_MODIFIED:
            return Outbound(status, b"Not Modified", _without(lines, _NOT_OF_304)), b""
        if status == PRECONDITION_FAILED:
            lines = [(b"Content-Length", b"0"), *_without(lines, _NOT_OF_304)]
            return Outbound(status, b"Precondition Failed", lines), b""
    return _answer(request, first, lines, body)


def judge_conditions(request: ListRequest, etag: bytes) -> int:
    """200, 304 or 412 for a list with this validator (RFC 9110, section 13.2.2)."""
    if request.if_match not in {None, b"*"} and etag not in _tags(request.if_match, weak=False):
        return PRECONDITION_FAILED
    if request.if_none_match == b"*" or etag in _tags(request.if_none_match, weak=True):
        return NOT_MODIFIED
    return OK


def _tags(value: bytes | None, *, weak: bool) -> list[bytes]:
    found = _TAG.finditer(value or b"")
    return [tag[1] for tag in found if weak or not tag[0].startswith(b"W/")]


def _caching(part: ListPart) -> list[list[bytes]]:
    return [part.values(name) for name in sorted(_CACHING)]


def _answer(
    request: ListRequest, first: ListPart, lines: list[Header], body: bytes
) -> tuple[Outbound, bytes]:
    length = b"%d" % len(body)
    lines = [(name, length if _is_length(name) else value) for name, value in lines]
    if not any(_is_length(name) for name, _ in lines):
        lines.append((b"Content-Length", length))
    outbound = Outbound(first.status, first.reason, lines)
    if request.method == b"HEAD":
        return outbound, b""
    outbound.body, outbound.length = Body.LENGTH, len(body)
    return outbound, body


def _without(lines: Sequence[Header], names: Collection[bytes]) -> list[Header]:
    return [line for line in lines if line[0].lower() not in names]


def _is_length(name: bytes) -> bool:
    return name.lower() == b"content-length"
