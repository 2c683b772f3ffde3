"""Answers written piece by piece: base64 comes from the store while it is sent."""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse

from image_service.blobs import BlobStore
from image_service.openai_api.encoding import Held

Part = bytes | Held
"""Bytes as they are, or a picture whose base64 stands there."""


def images_parts(said: Mapping[str, object], pictures: Sequence[Held]) -> list[Part]:
    """Return the body of a finished request with its pictures as ``data``, in parts."""
    parts: list[Part] = [b'{"data":[']
    for number, picture in enumerate(pictures):
        parts += [b',{"b64_json":"' if number else b'{"b64_json":"', picture, b'"}']
    return [*parts, b"]," + _members(said)]


def event_parts(kind: str, said: Mapping[str, object], picture: Held) -> list[Part]:
    """Return a server-sent event with a picture; its data say its kind as well, as OpenAI's do."""
    head = f'event: {kind}\ndata: {{"type":"{kind}","b64_json":"'
    return [head.encode("ascii"), picture, b'",' + _members(said) + b"\n\n"]


def _members(said: Mapping[str, object]) -> bytes:
    """Write the members of an object, and its end."""
    return json.dumps(said, separators=(",", ":"))[1:].encode("ascii")


def size_of(parts: Sequence[Part]) -> int:
    """Return how many bytes parts become."""
    return sum(
        len(part) if isinstance(part, bytes) else (part.size_bytes + 2) // 3 * 4 for part in parts
    )


async def written(blobs: BlobStore, parts: Sequence[Part]) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of parts.

    Raises:
        MissingBlobError: A picture is gone.
        OSError: The store does not answer any more.
    """
    for part in parts:
        if isinstance(part, bytes):
            yield part
            continue
        async with aclosing(_base64(blobs, part)) as pieces:
            async for piece in pieces:
                yield piece


async def _base64(blobs: BlobStore, picture: Held) -> AsyncGenerator[bytes, None]:
    # Three bytes become four characters: what is left over goes before the next piece.
    rest = b""
    async with aclosing(blobs.read(picture.key, 0, picture.size_bytes)) as pieces:
        async for piece in pieces:
            content = rest + piece
            whole = len(content) - len(content) % 3
            rest = content[whole:]
            yield b2a_base64(content[:whole], newline=False)
    if rest:
        yield b2a_base64(rest, newline=False)


def parts_response(blobs: BlobStore, parts: Sequence[Part], headers: Mapping[str, str]) -> Response:
    """Answer with parts, and say how long that is."""
    sized = {**headers, "Content-Length": str(size_of(parts))}
    return StreamingResponse(written(blobs, parts), headers=sized, media_type="application/json")
