"""Connections to one backend: the warmest first, never more than allowed, waiting in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.spawn import spawn
from gateway.proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from gateway.proxy.ports import Caller
    from gateway.routing.snapshot import Backend

_IDLE_LIFETIME_S = 4.0
"""Shorter than the 5 s after which uvicorn, Node and others close an idle connection: the backend
would close it just as the next request leaves, and a POST cannot be repeated."""


class Pool:
    """Lends connections to callers. LIFO: few warm connections beat many cooling ones."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Caller] = deque()
        self._is_closed = False
        self.open_connections = 0
        """Connections that stand or are being made."""

    def acquire(self, caller: Caller, *, fresh: bool = False) -> None:
        """Get `caller` a connection; it hears `connected` or `failed`, perhaps at once.

        Args:
            caller: Who wants one.
            fresh: Whether the connection must not have served before (a retry).
        """
        now_s = time.monotonic()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if not connection.is_closing() and now_s - connection.idle_since_s < _IDLE_LIFETIME_S:
                self._lend(connection, caller)
                return
            connection.abandon()
        if self.open_connections < self.backend.max_connections:
            self._connect(caller)
        elif len(self._waiting) < self.backend.max_connections:
            self._waiting.append(caller)
        else:
            detail = f"{self.open_connections} connections open, as many requests waiting"
            caller.failed(UpstreamError(Stage.QUEUE, Source.INTERNAL, Cause.OVERLOAD, detail))

    def cancel(self, caller: Caller) -> None:
        """Forget a caller that waits; one that is being connected hears of it and declines."""
        if caller in self._waiting:
            self._waiting.remove(caller)

    def give_back(self, connection: UpstreamConnection) -> None:
        """Take a clean connection back: for the next in line, or to keep."""
        if self._waiting:
            self._lend(connection, self._waiting.popleft())
        elif self._is_closed:
            connection.abandon()
        else:
            connection.idle_since_s = time.monotonic()
            self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Note that a connection is gone; its place is free."""
        self.open_connections -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting:
            self._connect(self._waiting.popleft())

    def sweep(self, now_s: float) -> None:
        """Close what has been idle too long; the oldest are at the front."""
        while self._idle and now_s - self._idle[0].idle_since_s >= _IDLE_LIFETIME_S:
            self._idle.pop(0).abandon()

    def close(self) -> None:
        """Keep nothing any more; requests in flight end in peace."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().abandon()

    def _lend(self, connection: UpstreamConnection, caller: Caller) -> None:
        connection.begin(caller)
        caller.connected(connection)

    def _connect(self, caller: Caller) -> None:
        self.open_connections += 1
        spawn(self._connect_for(caller), f"connect-{self.backend.name}")

    async def _connect_for(self, caller: Caller) -> None:
        backend = self.backend
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(backend.timeouts.connect_s):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self), backend.host, backend.port
                )
        except TimeoutError:
            detail = f"{backend.authority}: no connection in {backend.timeouts.connect_s:g} s"
            self._give_up(caller, Cause.TIMEOUT, detail)
        except (OSError, UnicodeError) as error:
            # UnicodeError: a host name that cannot be one.
            self._give_up(caller, Cause.REFUSED, f"{backend.authority}: {error}")
        else:
            self._lend_new(connection, caller)

    def _lend_new(self, connection: UpstreamConnection, caller: Caller) -> None:
        """Lend a connection that stood a moment ago; `forget` may have been told of its end."""
        if connection.is_gone:
            detail = f"{self.backend.authority}: closed as soon as it stood"
            caller.failed(UpstreamError(Stage.CONNECT, Source.UPSTREAM, Cause.CLOSED, detail))
        else:
            self._lend(connection, caller)

    def _give_up(self, caller: Caller, cause: Cause, detail: str) -> None:
        self.open_connections -= 1
        caller.failed(UpstreamError(Stage.CONNECT, Source.UPSTREAM, cause, detail))
        if self._waiting and self.open_connections < self.backend.max_connections:
            self._connect(self._waiting.popleft())
