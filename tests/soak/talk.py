"""A customer's connection that checks each answer against the bytes that it must hold."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import h11

from tests.soak.origin import start_of
from tests.support.content import content

PATIENCE_S = 60.0
"""For one answer, however slow its customer is."""
_READ_BYTES = 256 * 1024
_KEPT_BYTES = 256
"""Of a body, to be shown."""
_HOST = [("Host", "soak.test")]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class CutError(Exception):
    """The connection ended before its answer was complete."""


class WrongError(Exception):
    """What came is complete, and is not the answer to what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer, whose body has been checked if it is one of the origin's."""

    status: int
    number: int
    """What the origin says it answers; -1 where the gateway speaks for itself."""
    body: bytes
    """Of a short one."""


class Talk:
    """One connection, used for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)
        self.pause_s = 0.0
        """Between two reads of a body."""

    @classmethod
    async def open(cls, port: int, *, receive_buffer_bytes: int | None = None) -> Talk:
        """Connect.

        Raises:
            OSError: Nobody listens.
        """
        connected = socket.socket()
        connected.setblocking(False)
        if receive_buffer_bytes is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", port))
        limit = receive_buffer_bytes or _READ_BYTES
        return cls(*await asyncio.open_connection(sock=connected, limit=limit))

    @property
    def is_usable(self) -> bool:
        """Whether both sides keep the connection for another request."""
        states = {self._http.our_state, self._http.their_state}
        return states == {h11.IDLE} and not self._reader.at_eof()

    async def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            CutError: The connection is gone.
        """
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as error:
            raise CutError(repr(error)) from error

    async def read(self, size: int) -> bytes:
        """Read raw bytes, behind an upgrade.

        Raises:
            CutError: The connection is gone.
        """
        try:
            return await self._reader.readexactly(size)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise CutError(repr(error)) from error

    async def read_head(self) -> bytes:
        """Read up to and with an empty line."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise CutError(repr(error)) from error

    async def read_any(self) -> bytes:
        """Read what there is; empty at the end."""
        try:
            return await self._reader.read(_READ_BYTES)
        except ConnectionError as error:
            raise CutError(repr(error)) from error

    async def ask(
        self, method: str, target: str, *, size: int = 0, is_chunked: bool = False
    ) -> Answer:
        """Ask ``/PLACE/NATURE/NUMBER/SIZE`` with `size` bytes of content, and check the answer.

        Raises:
            CutError: The connection was cut before the answer was complete.
            WrongError: The answer is complete and wrong.
        """
        number = int(target.split("/")[3])
        framing = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(size))
        headers = [*_HOST, *([framing] if method == "POST" else [])]
        async with asyncio.timeout(PATIENCE_S):
            await self._send_request(method, target, headers, content(size, start_of(number)))
            return await self._answer(target)

    async def _send_request(
        self, method: str, target: str, headers: list[tuple[str, str]], body: Iterable[bytes]
    ) -> None:
        await self._send(h11.Request(method=method, target=target, headers=headers))
        try:
            for piece in body:
                await self._send(h11.Data(data=piece))
            await self._send(h11.EndOfMessage())
        except CutError:
            # Who answers early may close early; what was answered can still be read.
            pass

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self.send(data)

    async def ask_at_once(self, targets: list[str]) -> list[Answer]:
        """Send GET requests in one packet, and read the answers in order.

        Raises:
            CutError: The connection was cut before all answers were complete.
            WrongError: An answer is complete and wrong.
        """
        line = "GET {} HTTP/1.1\r\nHost: soak.test\r\n\r\n"
        await self.send("".join(line.format(target) for target in targets).encode())
        return [await self.answer_to_sent(target) for target in targets]

    async def answer_to_sent(self, target: str) -> Answer:
        """Read the answer to a GET request that was sent as bytes.

        Raises:
            CutError: The connection was cut before the answer was complete.
            WrongError: The answer is complete and wrong.
        """
        # The parser knows one request at a time.
        self._http.send(h11.Request(method="GET", target=target, headers=_HOST))
        self._http.send(h11.EndOfMessage())
        async with asyncio.timeout(PATIENCE_S):
            return await self._answer(target)

    async def _answer(self, target: str) -> Answer:
        _, _, nature, number, size = target.split("/")
        checked = _Checked(content(int(size), start_of(int(number))))
        head: h11.Response | None = None
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                checked.add(bytes(event.data))
        assert head is not None
        headers = dict(head.headers)
        named = int(headers.get(b"x-number", b"-1"))
        if named not in (int(number), -1):
            raise WrongError(f"{target}: the answer is to number {named}")
        if named >= 0 and nature in {"sized", "chunked", "closing"} and not checked.is_whole:
            raise WrongError(f"{target}: {checked.describe()}")
        self._start_over()
        return Answer(status=head.status_code, number=named, body=checked.kept)

    def _start_over(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()

    async def _next(self) -> h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
                self._http.receive_data(await self.read_any())
        except h11.RemoteProtocolError as error:
            if self._reader.at_eof():
                raise CutError(repr(error)) from error
            raise WrongError(f"no HTTP: {error!r}") from error
        if isinstance(event, h11.ConnectionClosed):
            raise CutError("closed")
        assert isinstance(event, h11.Event), event
        return event

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        """Leave."""
        self._writer.close()

    def cut(self) -> None:
        """Leave without a word."""
        connected: socket.socket = self._writer.get_extra_info("socket")
        if connected.fileno() >= 0:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()


class _Checked:
    """A body, compared as it comes."""

    def __init__(self, expected: Iterator[bytes]) -> None:
        self._expected = expected
        self._block = b""
        self._at = 0
        self._is_same = True
        self._size = 0
        self.kept = b""

    def add(self, data: bytes) -> None:
        """Compare a piece."""
        if len(self.kept) < _KEPT_BYTES:
            self.kept += data[:_KEPT_BYTES]
        self._size += len(data)
        at = 0
        while at < len(data) and self._is_same:
            if self._at == len(self._block):
                self._block, self._at = next(self._expected, b""), 0
            size = min(len(data) - at, len(self._block) - self._at)
            expected = self._block[self._at : self._at + size]
            self._is_same = bool(size) and data[at : at + size] == expected
            self._at, at = self._at + size, at + size

    @property
    def is_whole(self) -> bool:
        """Whether it was all that was expected, and nothing else."""
        is_used_up = self._at == len(self._block) and not next(self._expected, b"")
        return self._is_same and is_used_up

    def describe(self) -> str:
        """What is wrong with it."""
        what = "too short" if self._is_same else "another's"
        return f"{self._size} bytes, {what}: {self.kept[:60]!r}"
