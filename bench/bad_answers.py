"""What a bad candidate answers, byte by byte, and what the control beside it does."""

from __future__ import annotations

import gzip
import json
import struct
import zlib

DATE = b"Date: Mon, 23 Nov 2026 03:00:00 GMT\r\n"
"""Always the same, so that answers can be compared whole."""
FIELDS = DATE + b"x-Odd-CASE: caf\xe9\r\nSet-Cookie: a=1; Path=/\r\nSET-cookie: b=2\r\n"
"""Case, order, duplicates and bytes beyond ASCII: what a copy would lose first."""
DOCUMENT = b'{"id": 7, "name": "caf\xc3\xa9", "at": "2026-11-23T10:00:00Z"}'
MIB = 1024 * 1024
_BLOCKS = 4096
_SIDE_OF_BOMB = 50_000
_CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"
FLOOD_PIECE = bytes(65536)
ENDLESS_CHUNK = _CHUNK
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
EVENT = b'event: tick\r\ndata: {"n": 1}\r\n\r\n'


def answer(
    body: bytes = DOCUMENT,
    *,
    media_type: bytes = b"application/json",
    more: bytes = b"",
    status: bytes = b"200 Tudo Bem",
) -> bytes:
    """A whole answer with a length."""
    return _head(status, media_type, more) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def unframed(*, more: bytes = b"", media_type: bytes = b"application/json") -> bytes:
    """A head whose framing is in `more`, the empty line behind it."""
    return _head(b"200 Tudo Bem", media_type, more) + b"\r\n"


def chunked(body: bytes = DOCUMENT) -> bytes:
    """The same in chunks."""
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (body[:half], body[half:]))
    return unframed(more=b"Transfer-Encoding: chunked\r\n") + chunks + b"0\r\n\r\n"


def _head(status: bytes, media_type: bytes, more: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\n" % status + FIELDS + b"Content-Type: %b\r\n" % media_type + more


def png(width: int = 8, height: int = 8, *, rows: bytes | None = None) -> bytes:
    """A grey picture; one that is larger than its `rows` is a bomb."""
    content = rows if rows is not None else (b"\x00" + bytes(width)) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(content, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


PICTURE = answer(png(), media_type=b"image/png")
PICTURE_BOMB = answer(
    png(_SIDE_OF_BOMB, _SIDE_OF_BOMB, rows=bytes(4 * MIB)), media_type=b"image/png"
)
"""Would be 2.5 GB of pixels."""


def gzip_bomb() -> bytes:
    """Four GiB of zeros, in four MiB: the same block again and again."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    begin = engine.compress(bytes(MIB)) + engine.flush(zlib.Z_FULL_FLUSH)
    block = engine.compress(bytes(MIB)) + engine.flush(zlib.Z_FULL_FLUSH)
    return answer(begin + block * _BLOCKS + engine.flush(), more=b"Content-Encoding: gzip\r\n")


def zipped_twice() -> bytes:
    """A bomb within a bomb."""
    body = gzip.compress(gzip.compress(bytes(33 * MIB), 1, mtime=0), 1, mtime=0)
    return answer(body, more=b"Content-Encoding: gzip, gzip\r\n")


EVIL = json.dumps(
    {
        "id": 7,
        "name": "2026-11-23T10:00:00." + "9" * 100_000 + "!",
        "at": "Mon, 23 Nov 2026 " + "0:" * 50_000,
        "url": "http://[" + "a" * 50_000,
        "digits": "(" * 50_000,
    }
).encode()
"""Values on which careless patterns take for ever."""
HUGE_NUMBERS = b'{"id": %b, "name": 1e999999, "at": -0.0e-99999}' % (b"9" * 100_000)
DEEP = b"[" * 500_000
MANY = b"[" + b"[]," * 200_000 + b"[]]"
PAGE = answer(b"<html><body><p>ol\xc3\xa1</p></body></html>", media_type=b"text/html")
PAGE_BOMB = answer(b"<a b=c>" * 400_000, media_type=b"text/html")
EVENTS = answer(EVENT * 2, media_type=b"text/event-stream")
