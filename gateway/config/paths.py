"""Canonical URL paths: one spelling for each, so that two conditions are equal only if written so.

Plain characters stay plain, everything else is percent-encoded in upper-case hexadecimal
(RFC 3986, sections 2.1, 2.3, 3.3 and 6.2.2). Characters on which backends disagree are refused,
because the gateway does not forward a request that could be read as two different paths.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from gateway.config.units import text
from gateway.config.wording import Refusal, quoted

ID, ANY = "/{id}", "{}"
_SAMPLE = "any"
_NO_PART = {"?": "use query: {KEY: VALUE}", "#": "no request carries a fragment"}
# Anything but unreserved, sub-delims, ":", "@", the slash and the percent sign.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/%-]")
_DISPUTED = re.compile(r";|\\|%(?:2F|3B|5C)", re.IGNORECASE)
"""A slash or a parameter's start to some, a plain character to others."""
_ESCAPE = re.compile(r"%(.{0,2})", re.DOTALL)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def exact(value: object) -> str:
    """A canonical path, compared as a whole; a slash at its end counts."""
    path = text(value, example='"/images"')
    if not path.startswith("/"):
        raise Refusal(
            f"bad path {quoted(path)}: it must start with /", f"write {quoted('/' + path)}"
        )
    for mark, hint in _NO_PART.items():
        if mark in path:
            raise Refusal(f'bad path {quoted(path)}: "{mark}" is no part of a path', hint)
    _refuse_segments(path)
    disputed = _DISPUTED.search(path)
    if disputed:
        raise Refusal(
            f"bad path {quoted(path)}: backends disagree on what {quoted(disputed[0])} means",
            "requests that depend on it are refused",
        )
    if _NOT_PLAIN.search(path):
        plain = quote(path, safe="/!$&'()*+,;=:@%~")
        raise Refusal(f"bad path {quoted(path)}: percent-encode it", f"write {quoted(plain)}")
    for escape in _ESCAPE.finditer(path):
        _refuse_escape(path, escape[1])
    return path


def prefix(value: object) -> str:
    """A canonical path of whole segments: no slash at its end, except for ``/`` itself."""
    path = exact(value)
    if path.endswith("/") and path != "/":
        raise Refusal(
            f"bad path {quoted(path)}: a prefix means whole segments, without a slash at its end",
            f"write {quoted(path.rstrip('/'))}",
        )
    return path


def collection(value: object) -> str:
    """``/images`` for ``/images/{id}``; ``{}`` stands for any one segment before it."""
    pattern = text(value, example='"/images/{id}"')
    if not pattern.endswith(ID) or pattern.count("{id}") != 1:
        raise Refusal(
            f"bad pattern {quoted(pattern)}: exactly one {{id}}, as its last segment",
            'write it like "/images/{id}"',
        )
    if pattern == ID:
        raise Refusal(f"bad pattern {quoted(pattern)}: a collection has a path of its own")
    path = pattern.removesuffix(ID)
    if "{" in path.replace(ANY, ""):
        raise Refusal(
            f"bad pattern {quoted(pattern)}: a segment of any kind has no name", "write {}"
        )
    segments = [_SAMPLE if segment == ANY else segment for segment in path.split("/")]
    prefix("/".join(segments))
    return path


def inside_of(collection_path: str) -> str:
    """The longest prefix that all paths of a collection have: ``/shops`` for ``/shops/{}/x``."""
    return collection_path.partition(f"/{ANY}")[0] or "/"


def is_inside(path: str, outer: str) -> bool:
    """Whether the prefix `outer` matches `path`: by whole segments."""
    return outer in {"/", path} or path.startswith(f"{outer}/")


def _refuse_segments(path: str) -> None:
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        raise Refusal(f"bad path {quoted(path)}: it has an empty segment (//)")
    for dots in (".", ".."):
        if dots in segments:
            raise Refusal(f'bad path {quoted(path)}: "{dots}" is no name of a segment')


def _refuse_escape(path: str, digits: str) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]{2}", digits):
        raise Refusal(f"bad path {quoted(path)}: % must be followed by two hexadecimal digits")
    if digits != digits.upper():
        raise Refusal(f"bad path {quoted(path)}: %{digits}", f"write %{digits.upper()}")
    character = chr(int(digits, 16))
    if character in _UNRESERVED:
        raise Refusal(
            f"bad path {quoted(path)}: %{digits} is a plain character", f'write "{character}"'
        )
    if character < " " or character == "\x7f":
        raise Refusal(f"bad path {quoted(path)}: %{digits} is a control character")
