"""One request as it came, byte for byte, and the means to answer it in any shape."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

DATE = "Mon, 23 Nov 2026 03:00:00 GMT"
"""Always the same, so that answers can be compared whole."""
_READ_BYTES = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Headers = Iterable[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Request:
    """A request's head."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]

    def header(self, name: str) -> str:
        """The first value of a field; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(slots=True)
class Exchange:
    """A request being answered."""

    request: Request
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    trailers: list[tuple[str, str]] = field(default_factory=list)
    """Those of the request, once its body has been read."""
    closes: bool = False
    """Whether the connection ends with this answer."""
    _is_read: bool = False

    @property
    def words(self) -> list[str]:
        """The path's segments."""
        return self.request.target.partition("?")[0].strip("/").split("/")

    # The request's body

    async def body(self) -> AsyncIterator[bytes]:
        """The body's pieces; asks for it first where the client waits to be asked."""
        self._is_read = True
        if self.request.header("expect").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.request.header("transfer-encoding").lower() == "chunked":
            async for piece in self._chunks():
                yield piece
        else:
            left = int(self.request.header("content-length") or 0)
            async for piece in self._read(left):
                yield piece

    async def _read(self, left: int) -> AsyncIterator[bytes]:
        while left:
            piece = await self._reader.read(min(left, _READ_BYTES))
            if not piece:
                raise ConnectionError("the client left")
            left -= len(piece)
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in self._read(size):
                yield piece
            await self._reader.readexactly(2)
        self.trailers = await read_fields(self._reader)

    async def drain_request(self) -> None:
        """Read and forget what nobody has read."""
        if not self._is_read:
            async for _ in self.body():
                pass

    # The answer

    async def write(self, *pieces: bytes) -> None:
        """Send bytes as they are, each in a packet of its own if there is time."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    async def head(
        self, status: int, reason: str, headers: Headers, *, version: str = "1.1"
    ) -> None:
        """Send a head."""
        lines = [f"HTTP/{version} {status} {reason}", f"Date: {DATE}", "Server: origin"]
        lines += [f"{name}: {value}" for name, value in headers]
        if self.closes:
            lines.append("Connection: close")
        await self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def reply(
        self, status: int, reason: str, headers: Headers = (), body: bytes = b""
    ) -> None:
        """Send a whole answer of known length."""
        await self.head(status, reason, [*headers, ("Content-Length", str(len(body)))])
        if self.request.method != "HEAD":
            await self.write(body)

    async def chunk(self, data: bytes) -> None:
        """Send one chunk; an empty one is the last, without trailers."""
        await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def wait_for_end(self) -> None:
        """Say nothing until the client has left."""
        while await self._reader.read(_READ_BYTES):
            pass

    async def mirror(self) -> None:
        """Send back whatever comes, until the client has no more."""
        while data := await self._reader.read(_READ_BYTES):
            await self.write(data)

    def reset(self) -> None:
        """Cut the connection so that the other end sees an error."""
        connected: socket.socket = self._writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read a head.

    Raises:
        asyncio.IncompleteReadError: The client has left.
    """
    line = (await reader.readuntil(b"\r\n")).decode("latin-1").rstrip()
    method, target, version = line.split(" ")
    return Request(method=method, target=target, version=version, headers=await read_fields(reader))


async def read_fields(reader: asyncio.StreamReader) -> list[tuple[str, str]]:
    """Read field lines up to and with the empty line behind them."""
    fields = []
    while line := (await reader.readuntil(b"\r\n")).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return fields
