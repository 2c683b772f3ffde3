"""A backend that answers what the test says, and shows exactly what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

from tests.conformance.doors.judges import BackendJudge
from tests.conformance.doors.wire import PATIENCE_S, Wire
from tests.support.strict.messages import Request

_ADDED = re.compile(
    rb"X-Forwarded-For: 127\.0\.0\.1\r\n"
    rb"(?:X-Forwarded-Host: [^\r]+\r\n)?"
    rb"X-Forwarded-Proto: http\r\n"
    rb"Via: 1\.1 figueira\r\n"
    rb"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n"
    rb"\r\n\Z"
)
"""What a proxy must or may add, in one block at the head's end."""


class Backend(Wire):
    """One connection from the gateway."""

    def __init__(self, connected: socket.socket) -> None:
        self._backend_judge = BackendJudge()
        super().__init__(connected, self._backend_judge)

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order; the last may still be on its way."""
        return self._backend_judge.requests

    @property
    def is_request_whole(self) -> bool:
        """Whether there is a request, and it is complete."""
        return bool(self.requests) and self.requests[-1].is_complete

    async def head(self) -> bytes:
        """A request's head, without what the gateway adds to each."""
        head = await self.read_until(b"\r\n\r\n")
        plain, count = _ADDED.subn(b"\r\n", head)
        assert count == 1, head
        return plain

    async def body(self) -> bytes:
        """The rest of the request, with its framing, once it is whole."""
        body = await self.look_until(lambda: self.is_request_whole)
        return await self.read(len(body))

    async def serve(self, answer: bytes) -> bytes:
        """Read a request without a body and answer it; return its head."""
        head = await self.head()
        await self.send(answer)
        return head


class Origin:
    """A listening socket that accepts only when told to."""

    def __init__(self, *, backlog: int = 100, receive_buffer_bytes: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(backlog)
        self._socket.setblocking(False)
        self._accepted: list[Backend] = []
        self.port: int = self._socket.getsockname()[1]

    async def accept(self) -> Backend:
        """The next connection."""
        async with asyncio.timeout(PATIENCE_S):
            connected, _ = await asyncio.get_running_loop().sock_accept(self._socket)
        return self._keep(connected)

    def accept_now(self) -> Backend | None:
        """The next connection, if there is one."""
        try:
            connected, _ = self._socket.accept()
        except BlockingIOError:
            return None
        return self._keep(connected)

    def _keep(self, connected: socket.socket) -> Backend:
        backend = Backend(connected)
        self._accepted.append(backend)
        return backend

    def is_untouched(self) -> bool:
        """Whether nobody waits to be accepted."""
        try:
            connected, _ = self._socket.accept()
        except BlockingIOError:
            return True
        connected.close()
        return False

    def forget(self) -> None:
        """Close the connections so far, judged or not: what was wrong with them is known."""
        while self._accepted:
            self._accepted.pop().close()

    def close(self) -> None:
        """Close everything, when all that was sent has been judged."""
        with contextlib.suppress(OSError):
            while self.accept_now() is not None:
                """Those that nobody has accepted are judged as well."""
        self._socket.close()
        with contextlib.ExitStack() as closing:
            for backend in self._accepted:
                closing.callback(backend.close)
            for backend in self._accepted:
                backend.drain()
