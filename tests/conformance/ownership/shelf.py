"""A backend that makes things, keeps them through its own deaths, and notes who changed what."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote

Id = int | str
_MISSES: dict[int, bytes] = {404: b'{"gone":true}\n', 200: b'{"error":"no such image"}\n'}


class Fate(Enum):
    """What becomes of the next request that would change something."""

    WELL = "well"
    LOST_BEFORE = "lost before"
    """The connection breaks before anything is done."""
    LOST_AFTER = "lost after"
    """It is done, and the connection breaks before the answer."""
    HELD = "held"
    """It is done, and the answer waits for ever."""


@dataclass(slots=True)
class Shelf:
    """One side."""

    name: str
    new_id: Callable[[int], Id]
    """The id of the n-th thing, from 0."""
    read_id: Callable[[str], Id | None]
    """What an id in a path, percent-decoded, means here; None if nothing."""
    miss_status: int
    """404, or 200 for one that says so in its body alone."""
    things: dict[Id, str] = field(default_factory=dict)
    heirlooms: dict[str, str] = field(default_factory=dict)
    """Things from before any of this, by names that tell nothing of who has them."""
    changed: set[Id] = field(default_factory=set)
    """Whatever somebody has tried to change here, found or not."""
    fate: Fate = Fate.WELL
    port: int = 0
    is_up: bool = False
    _made: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the same port as ever."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.is_up = True

    async def die(self) -> None:
        """Cut everything; what is on the shelf stays."""
        assert self._server is not None
        self.is_up = False
        self.fate = Fate.WELL
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        while self._open:  # noqa: ASYNC110 - the last one tells nobody
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(_length(head))
                fate, answer = self._answer(head, body)
                if fate is Fate.HELD:
                    await reader.read(1)
                if fate is not Fate.WELL:
                    break
                writer.write(answer)
                await writer.drain()
        writer.transport.abort()
        self._open.discard(writer)

    def _answer(self, head: str, body: bytes) -> tuple[Fate, bytes]:
        method, target, _ = head.partition("\r\n")[0].split(" ")
        segments = target.partition("?")[0].split("/")[2:]
        if method in {"GET", "HEAD"}:
            return Fate.WELL, self._show(method, segments)
        fate, self.fate = self.fate, Fate.WELL
        if fate is Fate.LOST_BEFORE:
            return fate, b""
        if not segments:
            return fate, self._create(body)
        return fate, self._change(method, segments[0], body)

    def _show(self, method: str, segments: list[str]) -> bytes:
        if not segments or not segments[0]:
            records = [{"id": id_, "value": value} for id_, value in sorted(self.things.items())]
            return _write(200, records, method)
        text = unquote(segments[0])
        if text in self.heirlooms:
            return _write(200, {"id": text, "value": self.heirlooms[text]}, method)
        id_ = self.read_id(text)
        if id_ is None or id_ not in self.things:
            return self._miss(method)
        return _write(200, {"id": id_, "value": self.things[id_]}, method)

    def _create(self, body: bytes) -> bytes:
        id_ = self.new_id(self._made)
        self._made += 1
        self.things[id_] = json.loads(body)
        return _write(201, {"id": id_})

    def _change(self, method: str, text: str, body: bytes) -> bytes:
        id_ = self.read_id(unquote(text))
        if id_ is not None:
            self.changed.add(id_)
        if id_ is None or id_ not in self.things:
            return self._miss(method)
        if method == "DELETE":
            del self.things[id_]
        else:
            self.things[id_] = json.loads(body)
        return _write(200, {"id": id_})

    def _miss(self, method: str) -> bytes:
        return _write(self.miss_status, json.loads(_MISSES[self.miss_status]), method)


def _length(head: str) -> int:
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((int(value) for name, _, value in lines if name.lower() == "content-length"), 0)


def _write(status: int, value: object, method: str = "") -> bytes:
    body = json.dumps(value).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else body)
