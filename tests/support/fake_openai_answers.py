"""What the fake OpenAI can answer: the good picture, and each fault by name.

A fault writes bytes to the connection itself, because most of them are no HTTP that a server
would let an application write.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import gzip
import io
import json
import random
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from PIL import Image
from PIL.PngImagePlugin import PngInfo

USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
    "output_tokens": 1056,
    "total_tokens": 1068,
}
_SIDE_LIMIT = 3840
_STREAM = {"content-type": "text/event-stream; charset=utf-8"}
_DRIP_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A valid order as the fake read it.

    Attributes:
        prompt: As sent.
        width: In pixels.
        height: In pixels.
        output_format: ``png``, ``webp`` or ``jpeg``.
        partial_images: None when no stream was asked for.
        purchase: A number of its own, which the good picture carries in its metadata.
    """

    prompt: str
    width: int
    height: int
    output_format: str
    partial_images: int | None
    purchase: int


Send = Callable[[bytes], None]
Answer = Callable[[Wanted], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to answer.

    Attributes:
        costs: Whether OpenAI would charge for it, at worst; counted before the first byte leaves.
        answer: Writes the bytes, head included; the connection is closed after the last.
        ends: How the connection ends: ``close``, or ``reset`` with RST.
    """

    costs: bool
    answer: Answer
    ends: str = "close"


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """An HTTP/1.1 head that announces the end of the connection."""
    lines = [f"HTTP/1.1 {status} Whatever", "connection: close", "x-request-id: req_fake"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


def whole(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """A complete answer."""
    given = {"content-type": "application/json"} | dict(headers or {})
    return head(status, {**given, "content-length": str(len(content))}) + content


def error(status: int, code: str | None, headers: Mapping[str, str] | None = None) -> bytes:
    """An answer in OpenAI's error shape; the message holds what must never be passed on."""
    problem = {
        "message": "sk-very-secret and the customer's private words",
        "type": "server_error" if status >= 500 else "invalid_request_error",
        "param": None,
        "code": code,
    }
    return whole(status, json.dumps({"error": problem}).encode(), headers)


def picture(
    wanted: Wanted, *, kind: str | None = None, side: tuple[int, int] | None = None
) -> bytes:
    """An encoded picture; a PNG says in its metadata which purchase it is."""
    chosen = kind or wanted.output_format.upper()
    out = io.BytesIO()
    labels = PngInfo()
    labels.add_text("Purchase", str(wanted.purchase))
    extra = {"pnginfo": labels, "compress_level": 1} if chosen == "PNG" else {}
    width, height = side or (wanted.width, wanted.height)
    # No two are alike, not even of one prompt: nobody can paint the same picture twice.
    shade = (zlib.crc32(wanted.prompt.encode()) + wanted.purchase) % 8
    _canvas(width, height, shade).save(out, chosen, **extra)
    return out.getvalue()


@functools.lru_cache(maxsize=32)
def _canvas(width: int, height: int, shade: int) -> Image.Image:
    assert max(width, height) <= _SIDE_LIMIT
    ramp = Image.linear_gradient("L").resize((width, height))
    flat = Image.new("L", (width, height), shade * 32)
    return Image.merge("RGB", (ramp, flat, ramp.rotate(180)))


def noise(wanted: Wanted) -> bytes:
    """A PNG that nothing makes smaller, some 3 MB at 1024x1024; another for each purchase."""
    out = io.BytesIO()
    content = random.Random(wanted.purchase).randbytes(wanted.width * wanted.height * 3)
    size = (wanted.width, wanted.height)
    Image.frombytes("RGB", size, content).save(out, "PNG", compress_level=0)
    return out.getvalue()


def _claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a huge picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    sized = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + sized + struct.pack(">I", 0) + b"IEND\xaeB`\x82"


def images(encoded: object, **more: object) -> bytes:
    """The body of a finished generation."""
    return json.dumps(
        {"created": 1, "data": [{"b64_json": encoded}], "usage": USAGE, **more}
    ).encode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def event(name: str, **fields: object) -> bytes:
    """One server-sent event, as a chunk of a chunked body."""
    data = json.dumps({"type": name, "created_at": 1, **fields})
    return chunk(f"event: {name}\ndata: {data}\n\n".encode())


def chunk(content: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def _shape(wanted: Wanted) -> dict[str, object]:
    return {
        "background": "opaque",
        "output_format": wanted.output_format,
        "quality": "low",
        "size": f"{wanted.width}x{wanted.height}",
    }


def _partial(wanted: Wanted, index: int, content: bytes | None = None) -> bytes:
    shown = picture(wanted) if content is None else content
    return event(
        "image_generation.partial_image",
        partial_image_index=index,
        b64_json=_base64(shown),
        **_shape(wanted),
    )


def _completed(wanted: Wanted, encoded: str | None = None) -> bytes:
    return event(
        "image_generation.completed",
        b64_json=_base64(picture(wanted)) if encoded is None else encoded,
        usage=USAGE,
        **_shape(wanted),
    )


def _stream_error(code: str) -> bytes:
    problem = {"message": "the customer's private words", "type": "x", "code": code, "param": None}
    return event("error", error=problem)


_STREAM_HEAD = head(200, {**_STREAM, "transfer-encoding": "chunked"})
_LAST_CHUNK = b"0\r\n\r\n"


async def good(wanted: Wanted) -> AsyncIterator[bytes]:
    """The picture as ordered, streamed if that was asked for."""
    if wanted.partial_images is None:
        yield whole(200, images(_base64(picture(wanted)), **_shape(wanted)))
        return
    yield _STREAM_HEAD
    for index in range(wanted.partial_images):
        yield _partial(wanted, index)
    yield _completed(wanted) + _LAST_CHUNK


def _bytes(*pieces: bytes) -> Answer:
    async def answer(_wanted: Wanted) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return answer


def _made(make: Callable[[Wanted], bytes]) -> Answer:
    """A finished answer, streamed if that was asked for, with other content."""

    async def answer(wanted: Wanted) -> AsyncIterator[bytes]:
        encoded = _base64(make(wanted))
        if wanted.partial_images is None:
            yield whole(200, images(encoded))
        else:
            yield _STREAM_HEAD + _completed(wanted, encoded) + _LAST_CHUNK

    return answer


def _streamed(*pieces: Callable[[Wanted], bytes]) -> Answer:
    async def answer(wanted: Wanted) -> AsyncIterator[bytes]:
        yield _STREAM_HEAD
        for piece in pieces:
            yield piece(wanted)

    return answer


async def _dated(_wanted: Wanted) -> AsyncIterator[bytes]:
    soon = time.time() + 1  # noqa: TID251 - the header holds a wall time
    when = formatdate(soon, usegmt=True)
    yield error(429, "rate_limit_exceeded", {"retry-after": when})


async def _hang(_wanted: Wanted) -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def _drip(_wanted: Wanted) -> AsyncIterator[bytes]:
    """A head, and then a body that never gets anywhere but never stops either."""
    yield head(200, {"content-type": "application/json", "content-length": "10000000"})
    while True:
        yield b" "
        await asyncio.sleep(_DRIP_PAUSE_S)


async def _endless(_wanted: Wanted) -> AsyncIterator[bytes]:
    yield head(200, {"content-type": "application/json", "transfer-encoding": "chunked"})
    while True:
        yield chunk(b" " * 1024 * 1024)


async def _compressed(wanted: Wanted) -> AsyncIterator[bytes]:
    body = gzip.compress(images(_base64(picture(wanted))))
    yield whole(200, body, {"content-encoding": "gzip"})


async def _stream_hang(wanted: Wanted) -> AsyncIterator[bytes]:
    yield _STREAM_HEAD + _partial(wanted, 0)
    await asyncio.Event().wait()


async def _without_usage(wanted: Wanted) -> AsyncIterator[bytes]:
    body = {"created": 1, "data": [{"b64_json": _base64(picture(wanted))}]}
    yield whole(200, json.dumps(body).encode())


def _free(content: bytes) -> Fault:
    return Fault(costs=False, answer=_bytes(content))


def _paid(answer: Answer, ends: str = "close") -> Fault:
    return Fault(costs=True, answer=answer, ends=ends)


_HTML = b"<!doctype html><title>Hello</title><h1>Bad Gateway</h1>"
_AS_HTML = {"content-type": "text/html"}
_LIMITED = "rate_limit_exceeded"
_CUT = head(200, {"content-type": "application/json", "content-length": "5000"})

FAULTS: dict[str, Fault] = {
    "ok": _paid(good),
    # Refused before anything was painted.
    "moderation": _free(error(400, "moderation_blocked")),
    "rate-limit": _free(error(429, _LIMITED)),
    "rate-limit-1s": _free(error(429, _LIMITED, {"retry-after": "1"})),
    "rate-limit-50ms": _free(error(429, _LIMITED, {"retry-after": "9", "retry-after-ms": "50"})),
    "rate-limit-1h": _free(error(429, _LIMITED, {"retry-after": "3600"})),
    "rate-limit-date": Fault(costs=False, answer=_dated),
    "rate-limit-nonsense": _free(error(429, _LIMITED, {"retry-after": "soon"})),
    "rate-limit-html": _free(whole(429, _HTML, _AS_HTML)),
    "quota": _free(error(429, "insufficient_quota")),
    "bad-request": _free(error(400, "invalid_value")),
    "bad-key": _free(error(401, "invalid_api_key")),
    "forbidden": _free(error(403, None)),
    "no-model": _free(error(404, "model_not_found")),
    "conflict": _free(error(409, None)),
    "overloaded": _free(error(503, "server_overloaded")),
    "redirect": _free(head(307, {"location": "/v1/images/generations", "content-length": "0"})),
    # Whether it was painted cannot be told from the answer.
    "timeout-408": _paid(_bytes(error(408, None))),
    "error-500": _paid(_bytes(error(500, None))),
    "html-502": _paid(_bytes(whole(502, _HTML, _AS_HTML))),
    "html-503": _paid(_bytes(whole(503, _HTML, _AS_HTML))),
    "error-504": _paid(_bytes(error(504, None))),
    "html-200": _paid(_bytes(whole(200, _HTML, _AS_HTML))),
    "broken-json": _paid(_bytes(whole(200, b'{"created": 1, "data": [{"b64_json": "iVBO'))),
    "deep-json": _paid(_bytes(whole(200, b"[" * 200_000))),
    "empty-200": _paid(_bytes(whole(200, b""))),
    "hang": _paid(_hang),
    "drip": _paid(_drip),
    "endless": _paid(_endless),
    "compressed": _paid(_compressed),
    "reset": _paid(_bytes(), ends="reset"),
    "closed": _paid(_bytes()),
    "cut-head": _paid(_bytes(b"HTTP/1.1 200 OK\r\ncontent-ty")),
    "cut-body": _paid(_bytes(_CUT + images("iVBO")[:40])),
    "no-http": _paid(_bytes(b"SSH-2.0-OpenSSH_9.9\r\n")),
    # Painted, charged, and of no use.
    "no-data": _paid(
        _bytes(whole(200, json.dumps({"created": 1, "data": [], "usage": USAGE}).encode()))
    ),
    "null-data": _paid(_bytes(whole(200, b'{"created": 1, "data": null}'))),
    "not-an-object": _paid(_bytes(whole(200, b"[]"))),
    "url-instead": _paid(_bytes(whole(200, b'{"created": 1, "data": [{"url": "http://x/y"}]}'))),
    "number-instead": _paid(_bytes(whole(200, images(5)))),
    "truncated-base64": _paid(_bytes(whole(200, images("iVBORw0KGgoAAAANSUhEU")))),
    "no-base64": _paid(_bytes(whole(200, images("%%%")))),
    "not-a-picture": _paid(_made(lambda _wanted: _HTML)),
    "cut-picture": _paid(_made(lambda wanted: picture(wanted, kind="PNG")[:-300])),
    "gif": _paid(_made(lambda wanted: picture(wanted, kind="GIF"))),
    "wrong-size": _paid(_made(lambda wanted: picture(wanted, side=(wanted.width, 512)))),
    "bomb": _paid(_made(lambda _wanted: _claiming(60_000, 60_000))),
    # Painted, charged, and of use all the same.
    "webp": _paid(_made(lambda wanted: picture(wanted, kind="WEBP"))),
    "noise": _paid(_made(noise)),
    "no-usage": _paid(_without_usage),
    # Streams only.
    "stream-error": _paid(
        _streamed(lambda w: _partial(w, 0), lambda _w: _stream_error("server_error"))
    ),
    "stream-moderation": _paid(_streamed(lambda _w: _stream_error("moderation_blocked"))),
    "stream-cut": _paid(_streamed(lambda w: _partial(w, 0)), ends="reset"),
    "stream-half-event": _paid(_streamed(lambda w: _completed(w)[:400])),
    "stream-short": _paid(_streamed(lambda w: _partial(w, 0), lambda _w: _LAST_CHUNK)),
    "stream-no-json": _paid(_streamed(lambda _w: chunk(b"event: x\ndata: {\n\n") + _LAST_CHUNK)),
    "stream-bad-partial": _paid(
        _streamed(lambda w: _partial(w, 0, _HTML), lambda w: _completed(w) + _LAST_CHUNK)
    ),
    "stream-hang": _paid(_stream_hang),
}
