r"""How a request's path may be read, and whether readers could disagree.

The forwarded bytes are always those received. Only the *choice of route* needs one meaning, and a
backend may read the same bytes differently: decode ``%2F``, treat ``\`` as ``/``, drop
``;params``, merge ``//``, resolve dot segments, or not, in an order of its own. `readings` gives
every path that some reader could see; the router refuses a request whose readings lead to different
places.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_ODD_BYTES = 4096
"""Of a path that is not plain: finding its readings takes milliseconds."""
MAX_READINGS = 32
"""Five habits that meet in one path, each followed or not. Nobody writes such a path by accident,
and each reading costs a look-up."""

_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)*/?")
"""A path with one reading: no escapes, no ``;`` or ``\\``, no empty and no dot-led segments, no
bytes that should have been escaped."""
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNESCAPED = re.compile(rb"[^A-Za-z0-9._~!$&'()*+,;=:@/%-]")
_RESERVED = re.compile(rb"%(?:2[146789ABC]|3[ABD]|40)")
"""Escapes of what may stand in a segment as it is (RFC 3986, section 3.3): ``!$&'()*+,:;=@``."""
_FORBIDDEN = re.compile(rb"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]|[\x00-\x20\x7F#?]")
"""A broken escape, a control character (escaped or not), and what no path can hold."""
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


is_plain = _PLAIN.fullmatch
"""Whether a path has but one reading, itself; quicker than `readings`."""


def readings(path: bytes) -> tuple[bytes, ...] | None:
    """Every canonical path that a reader of `path` could mean; the first is RFC 3986's own.

    Args:
        path: The target's path as received; starts with ``/`` or is ``*``.

    Returns:
        Distinct paths, 1 to `MAX_READINGS`; the readings of each are among them. None if the path
        must be refused whatever the routes are: a broken escape, a control character, more than
        `MAX_ODD_BYTES`, or more readings than that.
    """
    if is_plain(path):
        return (path,)
    if len(path) > MAX_ODD_BYTES or _FORBIDDEN.search(path):
        return None
    base = _UNESCAPED.sub(_escape, _ESCAPE.sub(_decode_unreserved, path))
    found, pending = {base}, [base]
    while pending:
        reading = pending.pop()
        for habit in _HABITS:
            other = habit(reading)
            if other not in found:
                if len(found) == MAX_READINGS:
                    return None
                found.add(other)
                pending.append(other)
    standard = _resolve_dots(base)
    return (standard, *sorted(found - {standard}))


def _decode_unreserved(match: re.Match[bytes]) -> bytes:
    """RFC 3986, section 6.2.2.2: escapes of unreserved characters mean the character itself."""
    value = int(match[1], 16)
    return bytes((value,)) if value in _UNRESERVED else match[0].upper()


def _escape(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]


def _decode_slashes(path: bytes) -> bytes:
    return path.replace(b"%2F", b"/")


def _turn_backslashes(path: bytes) -> bytes:
    r"""A ``\`` means ``/`` to readers of WHATWG URLs; by now it stands escaped."""
    return path.replace(b"%5C", b"/")


def _decode_reserved(path: bytes) -> bytes:
    return _RESERVED.sub(lambda match: bytes((int(match[0][1:], 16),)), path)


def _drop_parameters(path: bytes) -> bytes:
    """``/a;x=1/b`` -> ``/a/b``, as servlet containers do (and ``..;`` becomes ``..``)."""
    return re.sub(rb";[^/]*", b"", path)


def _merge_slashes(path: bytes) -> bytes:
    return re.sub(rb"//+", b"/", path)


def _resolve_dots(path: bytes) -> bytes:
    """RFC 3986, section 5.2.4, for an absolute path."""
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


_HABITS: tuple[Callable[[bytes], bytes], ...] = (
    _decode_slashes,
    _turn_backslashes,
    _decode_reserved,
    _drop_parameters,
    _merge_slashes,
    _resolve_dots,
)
"""What a reader may do: each is done by some and not by others, in whatever order."""
