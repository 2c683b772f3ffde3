"""The grammar of start lines, field lines and chunk lines (RFC 9110, 5; RFC 9112, 2 to 7)."""

from __future__ import annotations

import re
from enum import Enum

Field = tuple[bytes, bytes]

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SHOWN_BYTES = 120
_NAME = re.compile(_TOKEN)
_VALUE = re.compile(rb"(?:[\x21-\x7E\x80-\xFF](?:[\t\x20-\x7E\x80-\xFF]*[\x21-\x7E\x80-\xFF])?)?")
_UNSAFE = re.compile(rb"[\x00\r\n]")
_REQUEST_LINE = re.compile(rb"(%b) ([\x21-\x7E]+) HTTP/([0-9])\.([0-9])" % _TOKEN)
_OTHER_PROTOCOL = re.compile(rb" (?:RTSP|ICE)/1\.0\Z")
_MANY_SPACES = re.compile(rb" +")
_STATUS_LINE = re.compile(rb"HTTP/([0-9])\.([0-9]) ([1-5][0-9][0-9])( ?)([\t\x20-\x7E\x80-\xFF]*)")
_PCHAR = rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_HOST = rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?"
_AUTHORITY = re.compile(_HOST)
_ORIGIN_FORM = re.compile(rb"(?:/%b*)+(?:\?(?:%b|[/?])*)?" % (_PCHAR, _PCHAR))
_ABSOLUTE_FORM = re.compile(
    rb"https?://(%b)((?:/%b*)*(?:\?(?:%b|[/?])*)?)" % (_HOST, _PCHAR, _PCHAR), re.IGNORECASE
)
_VISIBLE_TARGET = re.compile(
    rb"/.*|https?://(?!(?::[0-9]*)?(?:[/?]|\Z))%b(?:[/?].*)?" % _HOST, re.IGNORECASE
)
_TARGET_JUNK = re.compile(rb"[^\x21-\x7E]|#")
_QUOTED = rb'"(?:[\t \x21\x23-\x5B\x5D-\x7E\x80-\xFF]|\\[\t \x21-\x7E\x80-\xFF])*"'
_CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:;%b(?:=(?:%b|%b))?)*)" % (_TOKEN, _TOKEN, _QUOTED)
)
_FREE_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;(?:[\x21-\x7E]|%b)*)?" % _QUOTED)
_DIGITS = re.compile(rb"[0-9]+")
_CODINGS = frozenset({b"chunked", b"compress", b"deflate", b"gzip", b"x-compress", b"x-gzip"})


class ViolationError(AssertionError):
    """Bytes that no sender may send."""

    def __init__(self, rule: str, shown: bytes = b"") -> None:
        super().__init__(f"{rule}: {shown[:_SHOWN_BYTES]!r}" if shown else rule)
        self.rule = rule


class Liberty(Enum):
    """What no sender may send, and recipients take all the same."""

    VISIBLE_TARGET = "visible ASCII in a target that no URL has: browsers send | and { in queries"
    NO_SPACE_BEHIND_STATUS = "a status line without the space before an empty reason"
    STRAY_LINE_ENDS = "line ends, bare or not, before a start line"
    LINE_ENDS_BEHIND_INTERIM = "line ends, bare or not, between an interim answer and the next"
    MANY_SPACES = "more than one space between the parts of a request line"
    OTHER_PROTOCOLS = "RTSP/1.0 or ICE/1.0 for HTTP/1.0"
    FRAMING_IN_VAIN = "framing fields in a 1xx or 204: they mean nothing"
    CONTROL_CHARACTERS = "control characters other than CR, LF and NUL in a value"
    ANY_EXTENSION = "chunk extensions of visible ASCII in any order: they are not passed on"
    UNNAMED_HOP_FIELDS = "TE or Upgrade that Connection does not name: it means nothing"
    ANY_TRAILER = "framing and routing fields in a trailer section, where they mean nothing"


Liberties = frozenset[Liberty]
NO_LIBERTIES: Liberties = frozenset()


def read_request_line(line: bytes, liberties: Liberties) -> tuple[bytes, bytes, str]:
    """Method, target and version (RFC 9112, section 3)."""
    if Liberty.OTHER_PROTOCOLS in liberties:
        line = _OTHER_PROTOCOL.sub(b" HTTP/1.0", line)
    if Liberty.MANY_SPACES in liberties:
        line = _MANY_SPACES.sub(b" ", line)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise ViolationError("no request line", line)
    method, target = match[1], match[2]
    _check_target(method, target, liberties)
    return method, target, _version(match[3], match[4], line)


def _check_target(method: bytes, target: bytes, liberties: Liberties) -> None:
    """RFC 9112, section 3.2: the four forms."""
    if Liberty.VISIBLE_TARGET in liberties and _VISIBLE_TARGET.fullmatch(target):
        is_right = not _TARGET_JUNK.search(target)
    elif method == b"CONNECT":
        is_right = b":" in target and _AUTHORITY.fullmatch(target) is not None
    elif target == b"*":
        is_right = method == b"OPTIONS"
    else:
        is_right = bool(_ORIGIN_FORM.fullmatch(target) or _is_absolute(target))
    if not is_right:
        raise ViolationError("a target in no form there is", target)


def _is_absolute(target: bytes) -> bool:
    match = _ABSOLUTE_FORM.fullmatch(target)
    return match is not None and match[1] != b""


def read_status_line(line: bytes, liberties: Liberties) -> tuple[str, int, bytes]:
    """Version, status and reason (RFC 9112, section 4)."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None or (match[5] and not match[4]):
        raise ViolationError("no status line", line)
    if not match[4] and Liberty.NO_SPACE_BEHIND_STATUS not in liberties:
        raise ViolationError("no space behind the status", line)
    return _version(match[1], match[2], line), int(match[3]), match[5]


def _version(major: bytes, minor: bytes, line: bytes) -> str:
    version = f"{major.decode()}.{minor.decode()}"
    if version not in {"1.0", "1.1"}:
        raise ViolationError("a version that is not HTTP/1.0 or 1.1", line)
    return version


def read_field(line: bytes, liberties: Liberties) -> Field:
    """Name and value (RFC 9112, section 5)."""
    if line[:1] in (b" ", b"\t"):
        raise ViolationError("a folded line", line)
    name, colon, value = line.partition(b":")
    if not colon:
        raise ViolationError("a field line without a colon", line)
    if name[-1:] in (b" ", b"\t"):
        raise ViolationError("white space before the colon", line)
    if not _NAME.fullmatch(name):
        raise ViolationError("a field name that is no token", line)
    value = value.strip(b" \t")
    allowed = Liberty.CONTROL_CHARACTERS in liberties and not _UNSAFE.search(value)
    if not (allowed or _VALUE.fullmatch(value)):
        raise ViolationError("a control character in a field value", line)
    return name, value


def read_chunk_line(line: bytes, liberties: Liberties) -> int:
    """A chunk's size in bytes (RFC 9112, section 7.1)."""
    is_free = Liberty.ANY_EXTENSION in liberties
    match = (_FREE_CHUNK_LINE if is_free else _CHUNK_LINE).fullmatch(line)
    if match is None:
        raise ViolationError("no chunk size", line)
    return int(match[1], 16)


def read_length(value: bytes) -> int:
    """Content-Length, in bytes (RFC 9110, section 8.6)."""
    if not _DIGITS.fullmatch(value) or len(value) > 19:
        raise ViolationError("a Content-Length that is no number", value)
    return int(value)


def read_codings(value: bytes) -> list[bytes]:
    """The transfer codings, in the order applied (RFC 9112, section 6.1)."""
    codings = [coding.strip(b" \t").lower() for coding in value.split(b",")]
    for coding in codings:
        if coding not in _CODINGS:
            raise ViolationError("a transfer coding that does not exist", value)
    if codings.count(b"chunked") > 1:
        raise ViolationError("chunked twice", value)
    return codings


def check_host(value: bytes) -> None:
    """Host (RFC 9110, section 7.2)."""
    if not _AUTHORITY.fullmatch(value):
        raise ViolationError("a malformed Host", value)
