"""The customer behind a connection: held back for reasons, watched as it reads, parted from."""

from __future__ import annotations

import asyncio

from gateway.proxy.parting import UNREAD_PATIENCE_S, Parting, Progress, give_up, has_left, reset
from gateway.wire.forwarded import Peer

IDLE_PATIENCE_S = 75.0
"""Between requests; longer than browsers (60 s) and load balancers (60 s) keep a connection."""
FIRST_PATIENCE_S = 10.0
"""Before the first of them; as long as for a request's head. Whoever has connected and says nothing
takes the place of somebody who would."""
HOLD_PIPELINE, HOLD_UPLOAD, HOLD_TURN = 1, 2, 4


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """Who is at the other end, and how it is spoken to."""
    address = transport.get_extra_info("peername")
    scheme = b"https" if transport.get_extra_info("sslcontext") else b"http"
    return Peer(address[0] if isinstance(address, tuple) else "", scheme)


class Customer:
    """A transport, and what must be known of whoever is at its other end."""

    __slots__ = ("_parting", "holds", "is_lost", "transport", "unread")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.is_lost = False
        """Whether the connection is gone."""
        self.holds = 0
        """Why nothing is read from it; 0 if it is read."""
        self.unread: Progress | None = None
        """How it reads on, while more waits for it than may."""
        self._parting: Parting | None = None

    @property
    def unread_bytes(self) -> int:
        """What waited for it when last asked; 0 if it reads all there is."""
        return 0 if self.unread is None else self.unread.unread_bytes

    @staticmethod
    def quiet_since_s(now_s: float) -> float:
        """Since when a connection that is just made is taken to be quiet, for `is_stuck`."""
        return now_s - (IDLE_PATIENCE_S - FIRST_PATIENCE_S)

    @property
    def is_parting(self) -> bool:
        """Whether nothing more is to be said to it."""
        return self._parting is not None

    def has_gone_quietly(self) -> bool:
        """Whether it has closed or cut the connection, where no event says so."""
        return bool(self.holds) and has_left(self.transport)

    def hold(self, reason: int) -> None:
        """Read nothing from it."""
        if not self.holds and not self.is_lost:
            self.transport.pause_reading()
        self.holds |= reason

    def release(self, reasons: int) -> None:
        """Read on, if no other reason is left."""
        if self.holds & reasons:
            self.holds &= ~reasons
            if not self.holds and not self.transport.is_closing():
                self.transport.resume_reading()

    def heard(self, now_s: float) -> None:
        """Note that it is still sending, to no purpose."""
        if self._parting is not None:
            self._parting.heard(now_s)

    def check_parting(self, now_s: float) -> bool:
        """Whether it is being parted from; cut off if that takes too long."""
        if self._parting is None:
            return False
        if self._parting.is_over(self.transport, now_s):
            give_up(self.transport)
        return True

    def reads(self, now_s: float, since_s: float) -> float:
        """When it was last found to read; `since_s` if nothing waits for it."""
        return since_s if self.unread is None else self.unread.last_read_s(self.transport, now_s)

    def is_stuck(self, now_s: float, since_s: float) -> bool:
        """Whether it has not read what waits for it for too long, or said nothing."""
        patience_s = IDLE_PATIENCE_S if self.unread is None else UNREAD_PATIENCE_S
        return now_s - since_s > patience_s

    def part(self, now_s: float, *, is_heard_out: bool) -> None:
        """Close behind the last answer; whoever is still sending gets time to read it."""
        self.release(HOLD_PIPELINE | HOLD_UPLOAD | HOLD_TURN)
        if self.is_lost or self.transport.is_closing():
            return
        self._parting = Parting(now_s)
        if is_heard_out or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()

    def leave(self, now_s: float) -> None:
        """Take note that it has left while nothing was due to it."""
        if self._parting is None:
            self._parting = Parting(now_s)

    def give_up(self) -> None:
        """Close at once, as a cut connection if the end of an answer was still to be written."""
        if not self.is_lost:
            give_up(self.transport)

    def abort(self) -> None:
        """Cut the connection: the answer must not look complete."""
        if not self.is_lost:
            reset(self.transport)
