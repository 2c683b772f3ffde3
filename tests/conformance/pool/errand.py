"""The smallest caller of a pool: asks for something, and notes what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.proxy.pool import Pool
from gateway.proxy.ports import Connection
from gateway.proxy.tunnel import Tunnel
from gateway.wire.messages import Header, Piece
from gateway.wire.response import Outbound
from tests.conformance.doors.wire import until
from tests.conformance.pool.asked import ANSWER

GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"


class Errand:
    """One request, sent as soon as there is a connection."""

    method = b"GET"
    upgrade: bytes | None = None

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.error: UpstreamError | None = None
        self.status = 0
        self.is_over = False

    async def connection_or_error(self) -> Connection | UpstreamError:
        """Wait for either."""
        await until(lambda: self.connection is not None or self.error is not None)
        found = self.connection or self.error
        assert found is not None
        return found

    async def end(self) -> int:
        """Wait for the answer's end; its status."""
        await until(lambda: self.is_over or self.error is not None)
        if self.error is not None:
            raise self.error
        return self.status

    def connected(self, connection: Connection) -> None:
        """Send."""
        self.connection = connection
        connection.send([GET])
        connection.sent_all()

    def failed(self, error: UpstreamError) -> None:
        """Note it."""
        self.error = error

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Nothing comes here."""

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """Note the status."""
        del pieces
        if outbound is not None:
            self.status = outbound.status

    def answer_flush(self) -> None:
        """Nothing waits."""

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """Note it."""
        del trailers
        self.answer(outbound, pieces)
        self.is_over = True

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Nothing is offered."""

    def upload_blocked(self) -> None:
        """Nothing is uploaded."""

    def upload_free(self) -> None:
        """Nothing is uploaded."""


async def run_errand(pool: Pool) -> int:
    """Ask for something and wait for it; the answer's status."""
    errand = Errand()
    pool.acquire(errand)
    return await errand.end()


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection of an asyncio server, whatever is asked."""
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
