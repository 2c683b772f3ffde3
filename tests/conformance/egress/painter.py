"""A small OpenAI whose pictures never repeat; the prompt says how it fails."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Painter:
    """What it was asked, and where."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:])
            }
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            self.heads.append({":request": head[0], **fields})
            self.asked.append(json.loads(body) if body.startswith(b"{") else {})
            await self._answer(self.asked[-1], reader, writer)
        writer.close()

    async def _answer(
        self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        prompt = asked.get("prompt", "")
        picture = {"b64_json": base64.b64encode(b"\x89PNG" + os.urandom(64)).decode()}
        if prompt == "hang up":
            return
        if prompt == "wait":
            await reader.read()
            self.left.set()
            return
        if "limited" in prompt and len(self.asked) == 1:
            error = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
            writer.write(answer(429, error, "retry-after: 0\r\nx-request-id: req_1\r\n"))
        elif prompt == "cut":
            writer.write(answer(200, {"data": [picture]})[:-20])
        elif asked.get("stream"):
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
            )
            for number, kind in enumerate(("partial_image", "partial_image", "completed")):
                event = {"type": f"image_generation.{kind}", "partial_image_index": number}
                writer.write(f"event: {event['type']}\n".encode())
                writer.write(f"data: {json.dumps({**event, **picture})}\n\n".encode())
                await writer.drain()
        else:
            writer.write(answer(200, {"created": 1, "data": [picture]}))
        await writer.drain()


def answer(status: int, content: object, more: str = "") -> bytes:
    """A whole answer."""
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status} So\r\ncontent-type: application/json\r\n{more}"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@contextlib.asynccontextmanager
async def painting() -> AsyncIterator[Painter]:
    """A painter at work."""
    painter = Painter()
    async with await asyncio.start_server(painter.hold, "127.0.0.1", 0) as serving:
        painter.url = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/v1"
        yield painter
