"""The origin behind every proxy: as little work as an HTTP server can do, in its own process.

``python -m bench.origin`` prints the two ports that it listens on, as JSON, and serves until its
standard input ends; to each line of that it says how many connections it has accepted so far. The
last segment of a target says how many bytes the answer's body has. The answers of the two ports
differ in one header, so that a client can see which backend served it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from functools import cache
from typing import cast

import uvloop

from bench.cases import KIB, MIB, SLOW, SLOW_BYTES_PER_S

NAMES = ("a", "b")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_WHOLE_BYTES = 16 * MIB
"""Longer bodies are sent piece by piece, as the other side takes them."""
_PIECE = bytes(MIB)
_SHORTEST_PAUSE_S = 0.001
"""A shorter one is not worth its timer."""


@cache
def answer(name: str, size: int) -> bytes:
    """A whole answer; the same in every byte each time."""
    return _head(name, size) + b"x" * size


def _head(name: str, size: int) -> bytes:
    lines = (
        "HTTP/1.1 200 OK",
        "Content-Type: application/octet-stream",
        f"Content-Length: {size}",
        f"X-Origin: {name}",
        "Cache-Control: no-store",
    )
    return "\r\n".join([*lines, "", ""]).encode()


class Origin:
    """What the connections share."""

    def __init__(self) -> None:
        self.accepted = 0


class OriginConnection(asyncio.Protocol):
    """One connection from a proxy."""

    def __init__(self, origin: Origin, name: str) -> None:
        self._origin = origin
        self._name = name
        self._head = b""
        self._last = ""
        """Last segment of the target whose body is being read."""
        self._body_left = 0
        self._is_chunked = False
        self._tail = b""
        self._answer_left = 0
        self._is_paused = False
        self._slow_bytes = 0
        self._slow_since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._origin.accepted += 1
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read a head or a body, and answer when the request is complete."""
        if self._last:
            self._read_body(data)
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            return
        self._head = b""
        # Proxies of the common recipe put an empty query behind every target.
        self._last = head.split(b" ", 2)[1].partition(b"?")[0].rpartition(b"/")[2].decode()
        length = _LENGTH.search(head)
        self._body_left = int(length[1]) if length else 0
        self._is_chunked = _CHUNKED.search(head) is not None
        self._read_body(rest)

    def _read_body(self, data: bytes) -> None:
        if self._is_chunked:
            # Bodies of the load hold nothing that looks like the last chunk.
            self._tail = (self._tail + data)[-5:]
            is_over = self._tail == b"0\r\n\r\n"
        else:
            self._body_left -= len(data)
            is_over = self._body_left <= 0
        if is_over:
            last, self._last, self._tail = self._last, "", b""
            self._write(KIB if last == SLOW else int(last))
        elif self._last == SLOW:
            self._slow_down(len(data))

    def _slow_down(self, read_bytes: int) -> None:
        """Rest until no more than the slow rate has been read."""
        loop = asyncio.get_running_loop()
        if not self._slow_bytes:
            self._slow_since_s = loop.time()
        self._slow_bytes += read_bytes
        due_s = self._slow_since_s + self._slow_bytes / SLOW_BYTES_PER_S
        if due_s - loop.time() > _SHORTEST_PAUSE_S:
            self._transport.pause_reading()
            loop.call_at(due_s, self._transport.resume_reading)

    def _write(self, size: int) -> None:
        if size <= _WHOLE_BYTES:
            self._transport.write(answer(self._name, size))
            return
        self._transport.write(_head(self._name, size))
        self._answer_left = size
        self._write_pieces()

    def _write_pieces(self) -> None:
        while self._answer_left and not self._is_paused:
            piece = _PIECE[: self._answer_left]
            self._answer_left -= len(piece)
            self._transport.write(piece)

    def pause_writing(self) -> None:
        """Wait for the other side."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on with a long body."""
        self._is_paused = False
        self._write_pieces()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    origin = Origin()
    servers = [
        await loop.create_server(lambda name=name: OriginConnection(origin, name), "127.0.0.1", 0)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for name in NAMES
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    _say(ports)
    while await loop.run_in_executor(None, sys.stdin.readline):
        _say(origin.accepted)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
