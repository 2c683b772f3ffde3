"""Two connections joined end to end, once a backend has gone on in another protocol.

Bytes cross as they come and mean nothing here: WebSocket's frames, extensions and close codes are
the two ends' own business. What one end does to its connection is done to the other's: an end of
sending, a cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.errors import Cause, Source, Stage, write_failure
from gateway.proxy.parting import is_cut, reset

IDLE_PATIENCE_S = 3600.0
"""With nothing crossing either way. Generous: who goes on in another protocol keeps the connection
to be told of things that may happen once an hour, and an hour of silence is what HAProxy's manual
advises for tunnels."""

HALF_PATIENCE_S = 60.0
"""The same, once one end has said that it sends nothing more: it may be gone altogether."""


class Tunnel:
    """A pair of ends; `over` is called once, when both are gone or cut."""

    def __init__(self, now_s: float) -> None:
        """Join nothing yet; `now_s` is the coarse clock, monotonic seconds."""
        self._now_s = now_s
        self._quiet_since_s = now_s
        self.customer = End(self)
        self.backend = End(self)
        self.customer.other, self.backend.other = self.backend, self.customer
        self.over: Callable[[], None] = _nothing
        self.error = ""
        """How it ended, as access lines have it; empty if both ends closed it."""

    def check(self, now_s: float) -> None:
        """Cut the tunnel if nothing has crossed for too long; called by the sweep."""
        self._now_s = now_s
        for end in (self.customer, self.backend):
            if end.is_cut():
                self.cut(Cause.CLOSED, self._side(end))
                return
        is_half = self.customer.has_ended or self.backend.has_ended
        if now_s - self._quiet_since_s > (HALF_PATIENCE_S if is_half else IDLE_PATIENCE_S):
            self.cut(Cause.TIMEOUT, Source.INTERNAL)

    def crossed(self) -> None:
        """Note that bytes have crossed."""
        self._quiet_since_s = self._now_s

    def cut(self, cause: Cause, source: Source) -> None:
        """Cut both ends, so that neither takes what it has for everything."""
        self.error = self.error or write_failure(Stage.TUNNEL, cause, source)
        self.customer.cut()
        self.backend.cut()
        self._finish()

    def lost(self, end: End, exc: Exception | None) -> None:
        """Let the other end share the fate of `end`."""
        if end.other.transport is None:
            self._finish()
        elif exc is not None or not end.has_ended:
            # No word of farewell, or a broken line: it must not look like one to the other end.
            self.cut(Cause.CLOSED, self._side(end))
        else:
            end.other.close()

    def _finish(self) -> None:
        over, self.over = self.over, _nothing
        over()

    def _side(self, end: End) -> Source:
        return Source.DOWNSTREAM if end is self.customer else Source.UPSTREAM


class End(asyncio.Protocol):
    """One end of a tunnel; takes the place of the protocol that spoke HTTP there."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._lost: Callable[[], None] = _nothing
        self._early = b""
        self.other: End = self
        self.transport: asyncio.Transport | None = None
        self.passed_bytes = 0
        """Bytes that came in here."""
        self.has_ended = False
        """Whether the other side has said that it sends nothing more."""

    def join(self, transport: asyncio.Transport, early: bytes, lost: Callable[[], None]) -> None:
        """Take over a connection.

        Args:
            transport: The connection.
            early: What was read from it already.
            lost: Called when it is gone.
        """
        self.transport, self._lost = transport, lost
        transport.set_protocol(self)
        if early:
            self.data_received(early)
        if self._early:
            early, self._early = self._early, b""
            transport.write(early)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self.passed_bytes += len(data)
        self._tunnel.crossed()
        self.other.take(data)

    def take(self, data: bytes) -> None:
        """Send what came in at the other end."""
        if self.transport is None:
            self._early += data
        else:
            self.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end of sending on; the other direction goes on if the connection can half."""
        self.has_ended = True
        other = self.other.transport
        if other is None or not other.can_write_eof() or other.is_closing():
            return False
        other.write_eof()
        own = self.transport
        return not self.other.has_ended and own is not None and own.can_write_eof()

    def pause_writing(self) -> None:
        """Hold the other end: its bytes come faster than they leave here."""
        source = self.other.transport
        if source is not None and not source.is_closing():
            source.pause_reading()

    def resume_writing(self) -> None:
        """Release the other end."""
        source = self.other.transport
        if source is not None and not source.is_closing():
            source.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the tunnel."""
        self.transport = None
        self._lost()
        self._tunnel.lost(self, exc)

    def is_cut(self) -> bool:
        """Whether the connection was cut after its other side had said that it sends no more."""
        return self.has_ended and self.transport is not None and is_cut(self.transport)

    def close(self) -> None:
        """Close behind what is still to be sent."""
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Close at once, as an error."""
        if self.transport is not None:
            reset(self.transport)


def _nothing() -> None:
    """What is called until there is something to call."""
