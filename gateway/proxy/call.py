"""One request of httpx and its answer, over a connection of a pool."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.outgoing import Outgoing
from gateway.proxy.spawn import Running, spawn
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.wire.messages import Header, Piece
from gateway.wire.response import Outbound

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Connection


@dataclass(slots=True)
class CallTimes:
    """When what of a call happened, in monotonic seconds; None if it has not.

    Whoever wants to know gives one as the request's extension `TIMES`: what the backend took is
    between these, and the wait for a connection is not.
    """

    sent_s: float | None = None
    """The request's last byte was on its way."""
    head_s: float | None = None
    """The answer's head was there."""
    ended_s: float | None = None
    """The answer's last byte was there, or its failure."""


TIMES = "figueira.times"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patience:
    """How long to wait, in seconds; None is for ever."""

    connection_s: float | None
    write_s: float | None
    head_s: float | None
    body_s: float | None


class Call:
    """The `Caller` of a connection; awaited instead of called back."""

    def __init__(self, pool: Pool, request: httpx.Request, *, fresh: bool = False) -> None:
        """Take a request.

        Args:
            pool: Of the backend that is asked.
            request: The request.
            fresh: Whether a connection that has been idle will not do.

        Raises:
            httpx.LocalProtocolError: It cannot be sent.
        """
        self._pool = pool
        self._request = request
        self._outgoing = Outgoing(request)
        self._patience = _patience(pool, request)
        self._times: CallTimes = request.extensions.get(TIMES) or CallTimes()
        self.method = self._outgoing.method
        self.upgrade: bytes | None = None
        self._connection: Connection | None = None
        self._outbound: Outbound | None = None
        self._pieces: deque[bytes] = deque()
        self._unread_bytes = 0
        self._fault: Exception | None = None
        self._news = asyncio.Event()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._uploading: Running | None = None
        self._is_sent = False
        self._is_over = False
        self._is_left = False
        self._is_fresh = fresh
        self.error: UpstreamError | None = None
        """Why there is no answer, or no more of it, if it is a backend's or the pool's doing."""
        self.was_stale = False
        """Whether it failed on a connection that had been idle, before a byte of an answer: it may
        have been closed before the request came."""

    async def ask(self) -> Outbound:
        """Send the request, and wait for the answer's head.

        Raises:
            httpx.TransportError: There will be none.
        """
        self._pool.acquire(self, fresh=self._is_fresh)
        if not await self._wait(lambda: self._connection, self._patience.connection_s):
            is_full = self._pool.open_connections >= self._pool.backend.max_connections
            raise self._late(httpx.PoolTimeout if is_full else httpx.ConnectTimeout)
        await self._send()
        await self._wait(lambda: self._outbound, self._patience.head_s)
        if self._outbound is None:
            raise self._late(httpx.ReadTimeout)
        return self._outbound

    async def next_piece(self) -> bytes:
        """A piece of the answer's body; empty behind the last. Without takers the backend waits.

        Raises:
            httpx.TransportError: The rest will not come.
        """
        await self._wait(lambda: self._pieces or self._is_over, self._patience.body_s)
        if not self._pieces:
            if not self._is_over:
                raise self._late(httpx.ReadTimeout)
            return b""
        piece = self._pieces.popleft()
        self._unread_bytes -= len(piece)
        if self._connection is not None and self._unread_bytes <= WRITE_BUFFER_BYTES:
            self._connection.release_answer()
        return piece

    def leave(self) -> None:
        """Cut the connection, unless the answer is complete."""
        self._is_left = True
        if not self._is_over:
            self._fault = self._fault or httpx.StreamClosed()
            self._pieces.clear()
        if self._uploading is not None:
            self._uploading.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
        elif not self._is_over:
            self._pool.cancel(self)

    async def _wait(self, has_come: Callable[[], object], patience_s: float | None) -> bool:
        """Wait until something has come; no time counts while the request is being sent.

        Returns:
            Whether it came in time.
        """
        while not has_come():
            if self._fault is not None:
                raise self._fault
            self._news.clear()
            is_sending = self._connection is not None and not self._is_sent
            try:
                async with asyncio.timeout(None if is_sending else patience_s):
                    await self._news.wait()
            except TimeoutError:
                return False
        return True

    def _late(self, kind: type[httpx.TransportError]) -> httpx.TransportError:
        return kind(f"{self._pool.backend.name}: no answer in time", request=self._request)

    # Sending

    async def _send(self) -> None:
        stream = self._request.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - AsyncClient makes no other
        if isinstance(stream, httpx.ByteStream):
            body = b"".join(stream)
            if len(body) <= WRITE_BUFFER_BYTES:
                pieces = [*self._outgoing.piece(body), *self._outgoing.end()]
                self._pass_on([self._outgoing.head, *pieces])
                self._sent_all()
                return
        self._pass_on([self._outgoing.head])
        self._uploading = spawn(self._upload(stream), "upload")

    async def _upload(self, stream: httpx.AsyncByteStream) -> None:
        try:
            async for data in stream:
                for start in range(0, len(data), WRITE_BUFFER_BYTES):
                    await self._wait_to_send()
                    self._pass_on(self._outgoing.piece(data[start : start + WRITE_BUFFER_BYTES]))
            self._pass_on(self._outgoing.end())
        except Exception as fault:  # noqa: BLE001 - a task's root: whoever awaits the answer gets it
            self._fault = self._fault or fault
            self._news.set()
        else:
            self._sent_all()

    async def _wait_to_send(self) -> None:
        try:
            async with asyncio.timeout(self._patience.write_s):
                await self._may_send.wait()
        except TimeoutError:
            raise self._late(httpx.WriteTimeout) from None

    def _pass_on(self, pieces: Sequence[bytes]) -> None:
        if self._connection is not None:
            self._connection.send(pieces)

    def _sent_all(self) -> None:
        self._is_sent = True
        self._times.sent_s = time.monotonic()
        if self._connection is not None:
            self._connection.sent_all()
        self._news.set()

    # Caller

    def connected(self, connection: Connection) -> None:
        """Take the connection."""
        if self._is_left:
            connection.abandon()
            return
        self._connection = connection
        self._news.set()

    def failed(self, error: UpstreamError) -> None:
        """Tell whoever waits."""
        connection, self._connection = self._connection, None
        self.error = error
        self._times.ended_s = time.monotonic()
        if connection is not None:
            self.was_stale = connection.is_reused and not connection.has_answered
        kind = _kind_of(error)
        self._fault = kind(f"{self._pool.backend.name}: {error}", request=self._request)
        self._may_send.set()
        self._news.set()

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Drop it: httpx has no place for it."""

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """Keep what has come until it is asked for; hold the backend if it becomes much."""
        if outbound is not None:
            self._outbound = outbound
            self._times.head_s = time.monotonic()
        self._pieces += filter(None, map(bytes, pieces))
        self._unread_bytes += sum(map(len, pieces))
        if self._connection is not None and self._unread_bytes > WRITE_BUFFER_BYTES:
            self._connection.hold_answer()

    def answer_flush(self) -> None:
        """Let it be read."""
        self._news.set()

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """Note the end; a request that is still being sent is not wanted any more."""
        del trailers  # httpx has no place for them
        self._connection = None
        self.answer(outbound, pieces)
        self._is_over = True
        self._times.ended_s = time.monotonic()
        if self._uploading is not None:
            self._uploading.cancel()
        self._news.set()

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Cut it: no other protocol is ever offered here."""
        del outbound
        tunnel.cut(Cause.CLOSED, Source.INTERNAL)

    def upload_blocked(self) -> None:
        """Hold the upload."""
        self._may_send.clear()

    def upload_free(self) -> None:
        """Let it go on."""
        self._may_send.set()


def _patience(pool: Pool, request: httpx.Request) -> _Patience:
    wanted = request.extensions.get("timeout")
    if wanted is None:
        timeouts = pool.backend.timeouts
        return _Patience(
            connection_s=timeouts.first_byte_s,
            write_s=timeouts.idle_s,
            head_s=timeouts.first_byte_s,
            body_s=timeouts.idle_s,
        )
    connect_s, queue_s, read_s = (wanted.get(name) for name in ("connect", "pool", "read"))
    return _Patience(
        connection_s=None if connect_s is None or queue_s is None else connect_s + queue_s,
        write_s=wanted.get("write"),
        head_s=read_s,
        body_s=read_s,
    )


def _kind_of(error: UpstreamError) -> type[httpx.TransportError]:
    if error.cause is Cause.OVERLOAD:
        return httpx.PoolTimeout
    is_late = error.cause is Cause.TIMEOUT
    if error.stage is Stage.CONNECT:
        return httpx.ConnectTimeout if is_late else httpx.ConnectError
    if is_late:
        return httpx.ReadTimeout
    was_cut = error.cause is Cause.CLOSED and error.stage is Stage.SEND_BODY
    return httpx.WriteError if was_cut else httpx.RemoteProtocolError
