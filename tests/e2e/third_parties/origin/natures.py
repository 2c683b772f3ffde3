"""What the origin answers, by the first segment of the path."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator

from tests.support.content import content
from tests.support.raw_http import Exchange

Nature = Callable[[Exchange], Awaitable[None]]

EVENTS = 5
"""Of a stream; each is sent when the client has told that it has the one before."""
_TEXT = [("Content-Type", "text/plain; charset=utf-8")]
_ACKNOWLEDGED: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))


async def echo(exchange: Exchange) -> None:
    """Tell the request as it came."""
    sha, size = hashlib.sha256(), 0
    async for piece in exchange.body():
        sha.update(piece)
        size += len(piece)
    request = exchange.request
    told = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "body_bytes": size,
        "body_sha256": sha.hexdigest(),
        "trailers": exchange.trailers,
    }
    if request.method == "HEAD":
        # Told by its length alone, which a gateway's own fields must not change.
        told = {"target": request.target}
    headers = [
        ("Content-Type", "application/json"),
        ("X-MiXeD-CaSe", "kept"),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("X-Empty", ""),
        ("Link", "</a>; rel=next, </b>; rel=prev"),
        ("WWW-Authenticate", 'Basic realm="a, b"'),
        ("WWW-Authenticate", "Negotiate"),
    ]
    await exchange.reply(200, "OK", headers, json.dumps(told).encode())


async def status(exchange: Exchange) -> None:
    """Answer ``/status/CODE/REASON``; what has no body has none."""
    code, reason = int(exchange.words[1]), exchange.words[2].replace("+", " ").strip("-")
    headers = [("ETag", '"7"'), ("X-Code", str(code))]
    if code in (204, 304):
        await exchange.head(code, reason, headers)
    else:
        await exchange.reply(code, reason, [*headers, *_TEXT], f"{code} {reason}\n".encode())


async def sized(exchange: Exchange) -> None:
    """Answer ``/bytes/SIZE``, or the range of it that is asked for."""
    size = int(exchange.words[1])
    headers = [("Accept-Ranges", "bytes"), ("ETag", '"7"')]
    start, end = 0, size
    code, reason = 200, "OK"
    if wanted := exchange.request.header("range"):
        start, end = _range_of(wanted, size)
        if start >= size:
            await exchange.reply(
                416, "Range Not Satisfiable", [("Content-Range", f"bytes */{size}")]
            )
            return
        code, reason = 206, "Partial Content"
        headers.append(("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    await exchange.head(code, reason, [*headers, ("Content-Length", str(end - start))])
    if exchange.request.method != "HEAD":
        await exchange.write(*content(end - start, start))


def _range_of(wanted: str, size: int) -> tuple[int, int]:
    """Start and end of ``bytes=a-b``, ``bytes=a-`` or ``bytes=-n``."""
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


async def chunked(exchange: Exchange) -> None:
    """Answer ``/chunked/SIZE`` in chunks from one byte to many."""
    await exchange.head(200, "OK", [("Transfer-Encoding", "chunked")])
    if exchange.request.method == "HEAD":
        return
    for piece in _cut(content(int(exchange.words[1]))):
        await exchange.chunk(piece)
    await exchange.chunk(b"")


def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 1
    for piece in pieces:
        start = 0
        while start < len(piece):
            yield piece[start : start + size]
            start += size
            size = min(size * 2 + 1, 200_000)


async def until_closed(exchange: Exchange) -> None:
    """Answer ``/closing/VERSION/SIZE`` with a body that ends with the connection."""
    exchange.closes = True
    await exchange.head(200, "Fine", _TEXT, version=exchange.words[1])
    if exchange.request.method != "HEAD":
        await exchange.write(*content(int(exchange.words[2])))


async def zipped(exchange: Exchange) -> None:
    """Answer in gzip, as one who was asked for it."""
    body = gzip.compress(b"uma figueira, " * 5000, mtime=0)
    coding = [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    await exchange.reply(200, "OK", [*_TEXT, *coding], body)


async def cookies(exchange: Exchange) -> None:
    """Set three cookies, one of them for another path only."""
    headers = [
        ("Set-Cookie", "first=1; Path=/"),
        ("Set-Cookie", "second=a,b; Path=/; HttpOnly; Expires=Wed, 23 Nov 2033 03:00:00 GMT"),
        ("Set-Cookie", "elsewhere=3; Path=/not-here"),
    ]
    await exchange.reply(200, "OK", headers, b"set")


async def redirect(exchange: Exchange) -> None:
    """Answer ``/redirect/CODE/LEFT``: so many hops, in turn by path and by whole URL."""
    code, left = int(exchange.words[1]), int(exchange.words[2])
    target = f"/redirect/{code}/{left - 1}" if left > 1 else "/echo"
    host = exchange.request.header("host")
    location = f"http://{host}{target}" if left % 2 else target
    await exchange.drain_request()
    await exchange.reply(code, "Elsewhere", [("Location", location)], b"moved")


async def too_large(exchange: Exchange) -> None:
    """Refuse an upload at once, and hear the client out."""
    exchange.closes = True
    await exchange.reply(413, "Content Too Large", _TEXT, b"too large")


async def unexpected(exchange: Exchange) -> None:
    """Refuse an upload before it is sent."""
    exchange.closes = True
    await exchange.reply(417, "Expectation Failed", _TEXT, b"not here")


async def stream(exchange: Exchange) -> None:
    """Answer ``/stream/ID`` event by event, the next when ``/seen/ID`` has been asked."""
    name = exchange.words[1]
    headers = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
    await exchange.head(200, "OK", headers)
    for number in range(EVENTS):
        await exchange.chunk(f"id: {number}\ndata: event {number}\n\n".encode())
        await _ACKNOWLEDGED[name].acquire()
    await exchange.chunk(b"")
    del _ACKNOWLEDGED[name]


async def seen(exchange: Exchange) -> None:
    """Take note that a client has the last event."""
    _ACKNOWLEDGED[exchange.words[1]].release()
    await exchange.reply(200, "OK")


async def trailers(exchange: Exchange) -> None:
    """Answer with trailers behind the body."""
    headers = [("Trailer", "X-Checksum, X-Rows"), ("Transfer-Encoding", "chunked")]
    await exchange.head(200, "OK", headers)
    await exchange.write(b"4\r\nrows\r\n0\r\nX-Checksum: 9a\r\nX-Rows: 1\r\n\r\n")


async def hints(exchange: Exchange) -> None:
    """Answer behind two interim answers."""
    await exchange.write(b"HTTP/1.1 102 Processing\r\n\r\n")
    await exchange.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    await exchange.reply(200, "OK", _TEXT, b"hinted")


async def broken(exchange: Exchange) -> None:
    """Answer ``/broken/HOW``: the connection ends before the answer does."""
    exchange.closes = True
    match exchange.words[1]:
        case "head":
            await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        case "silent":
            pass
        case "length":
            await exchange.head(200, "OK", [("Content-Length", "1000")])
            await exchange.write(b"half")
        case "chunk":
            await exchange.head(200, "OK", [("Transfer-Encoding", "chunked")])
            await exchange.write(b"64\r\nhalf")
        case "last-chunk":
            await exchange.head(200, "OK", [("Transfer-Encoding", "chunked")])
            await exchange.chunk(b"all but the end")
        case _:
            await exchange.head(200, "OK", [("Content-Length", "1000")])
            await exchange.write(b"half")
            exchange.reset()


NATURES: dict[str, Nature] = {
    "echo": echo,
    "status": status,
    "bytes": sized,
    "chunked": chunked,
    "closing": until_closed,
    "gzip": zipped,
    "cookies": cookies,
    "redirect": redirect,
    "too-large": too_large,
    "unexpected": unexpected,
    "stream": stream,
    "seen": seen,
    "trailers": trailers,
    "hints": hints,
    "broken": broken,
}
