"""Conditional and partial reads of a picture, decided purely (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A number with more digits than this is past the end of any picture.
_SPAN = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Send all of it: 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Send the bytes from ``start`` up to, not including, ``stop``: 206."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """The client holds it already: 304."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsatisfiable:
    """The range begins past the end: 416."""


Reading = Whole | Part | NotModified | Unsatisfiable


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request's condition headers; None for one that is absent."""

    method: str
    if_none_match: str | None
    if_range: str | None
    byte_range: str | None


def decide_reading(asked: Asked, *, etag: str, size_bytes: int) -> Reading:
    """Decide what to send of a picture with this strong ``etag`` (quoted) and size.

    Several ranges at once, units other than bytes and malformed ranges are answered with the
    whole picture: a server may ignore Range (RFC 9110, section 14.2).
    """
    if asked.if_none_match is not None and _names(asked.if_none_match, etag):
        return NotModified()
    # Range means something for GET alone; If-Range needs a strong match, and dates are not ours.
    may_be_part = asked.method == "GET" and asked.if_range in (None, etag)
    if asked.byte_range is None or not may_be_part:
        return Whole()
    span = _SPAN.fullmatch(asked.byte_range)
    return Whole() if span is None else _cut(span[1], span[2], size_bytes)


def _names(field: str, etag: str) -> bool:
    """Compare weakly, as If-None-Match wants it (RFC 9110, section 13.1.2)."""
    if field.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in field.split(","))


def _cut(first: str, last: str, size_bytes: int) -> Reading:
    if not first and not last:
        return Whole()
    if not first:
        # "-n" asks for the last n bytes.
        length = min(int(last), size_bytes)
        return Part(start=size_bytes - length, stop=size_bytes) if length else Unsatisfiable()
    start = int(first)
    if last and int(last) < start:
        return Whole()
    if start >= size_bytes:
        return Unsatisfiable()
    return Part(start=start, stop=min(int(last) + 1, size_bytes) if last else size_bytes)
