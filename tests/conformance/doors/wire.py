"""One end of a TCP connection, with every byte and its ending in the test's hands."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.doors.judges import Judge

PATIENCE_S = 10.0
"""A watchdog for a test that hangs; nothing here takes a tenth of it."""
_READ_BYTES = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_QUIET_ROUNDS = 200
"""Turns of the loop without a byte moving: on loopback everything has come to rest long before."""


async def until(is_true: Callable[[], bool]) -> None:
    """Let the loop turn until something holds.

    Raises:
        TimeoutError: It does not.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not is_true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


async def settle() -> None:
    """Let the loop turn until all that is under way on loopback has arrived."""
    for _ in range(_QUIET_ROUNDS):
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Ended:
    """All that came until the end, and which end."""

    data: bytes
    was_reset: bool


class Wire:
    """A connected socket; every byte that comes out of it is judged."""

    def __init__(self, connected: socket.socket, judge: Judge) -> None:
        connected.setblocking(False)
        # What is sent in two pieces is to arrive in two pieces, and now.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._judge = judge
        self._read = b""
        self.has_ended = False
        """Whether the other end has closed or cut the connection, as far as it was looked."""
        self.was_cut = False

    @property
    def address(self) -> tuple[str, int]:
        """This end's own address."""
        host, port = self._socket.getsockname()
        return host, port

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self._judge.sent(data)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def send_while_taken(self, block: bytes, limit: int) -> int:
        """Send `block` again and again until nobody takes more; return the bytes sent."""
        sent = quiet = 0
        while quiet < _QUIET_ROUNDS and sent < limit:
            try:
                taken = self._socket.send(block)
                self._judge.sent(block[:taken])
                sent += taken
                quiet = 0
            except BlockingIOError:
                quiet += 1
            await asyncio.sleep(0)
        return sent

    async def read_until(self, mark: bytes) -> bytes:
        """Read up to and with `mark`; what comes behind it stays for the next call."""
        while (end := self._read.find(mark)) < 0:
            if not (more := await self._receive()):
                raise EOFError(self._read)
            self._read += more
        end += len(mark)
        found, self._read = self._read[:end], self._read[end:]
        return found

    async def read(self, size: int) -> bytes:
        """Read exactly `size` bytes."""
        while len(self._read) < size:
            if not (more := await self._receive()):
                raise EOFError(self._read)
            self._read += more
        found, self._read = self._read[:size], self._read[size:]
        return found

    async def read_to_end(self) -> Ended:
        """Read until the other end closes or cuts the connection."""
        pieces = [self._read]
        self._read = b""
        try:
            while more := await self._receive():
                pieces.append(more)
        except ConnectionError:
            self._judge.ended(was_reset=True)
            return Ended(b"".join(pieces), was_reset=True)
        return Ended(b"".join(pieces), was_reset=False)

    async def count_to(self, size: int) -> None:
        """Read exactly `size` bytes and keep none."""
        kept, self._read = self._read[:size], self._read[size:]
        size -= len(kept)
        while size > 0:
            more = await self._receive(min(size, _READ_BYTES))
            if not more:
                raise EOFError(size)
            size -= len(more)

    async def has_bytes(self) -> bool:
        """Whether anything arrives once everything has come to rest."""
        await settle()
        with contextlib.suppress(BlockingIOError):
            self._read += self._judged(self._socket.recv(_READ_BYTES))
        return bool(self._read)

    @property
    def came(self) -> bytes:
        """What has come and was not read yet."""
        return self._read

    async def look(self) -> None:
        """Let the loop turn once, and take what has come, be it the end."""
        await asyncio.sleep(0)
        if self.has_ended:
            return
        try:
            self._read += self._judged(self._socket.recv(_READ_BYTES))
        except BlockingIOError:
            return
        except ConnectionError:
            self.has_ended = self.was_cut = True

    async def look_until(self, is_true: Callable[[], bool]) -> bytes:
        """Take what comes until something holds or the end; return it, unread.

        Raises:
            TimeoutError: Neither happens.
        """
        async with asyncio.timeout(PATIENCE_S):
            while not (is_true() or self.has_ended):
                await self.look()
        return self._read

    def drain(self) -> None:
        """Judge what has come and nobody has read."""
        with contextlib.suppress(OSError):
            while more := self._socket.recv(_READ_BYTES):
                self._judge.received(more)

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave."""
        self.has_ended = True
        self._socket.close()

    def reset(self) -> None:
        """Cut the connection, if it has not been closed."""
        if self._socket.fileno() < 0:
            return
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()

    async def _receive(self, limit: int = _READ_BYTES) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            data = await asyncio.get_running_loop().sock_recv(self._socket, limit)
        return self._judged(data)

    def _judged(self, data: bytes) -> bytes:
        if data:
            self._judge.received(data)
        else:
            self.has_ended = True
            self._judge.ended(was_reset=False)
        return data
