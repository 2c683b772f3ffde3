"""Connections that get nowhere are ended, and there are never more than there are descriptors for.

A process without a descriptor left can neither serve whom it knows nor open a file or a call to
the provider, and asyncio tries to accept the next customer some ten thousand times a second, with a
line in the log for each.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import resource
import struct
import termios
from typing import Literal

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_LOG = logging.getLogger("image_service.connections")

# The connection, and the file that is sent over it.
_DESCRIPTORS_EACH = 2
# The database, the store and the provider; and while connections are ended, five times
# ACCEPTED_AT_ONCE that nobody could count yet.
_RESERVED = 200
_FEWEST = 16
# Each may hold an order's body, 1 MiB.
_MOST = 4_000
_SAY_AGAIN_AFTER_S = 60.0

ACCEPTED_AT_ONCE = 16
"""Connections that asyncio may take from the listener before it does anything else."""

Turn = Literal["head", "body", "taking", "ours"]
"""What is waited for: a request's head, its body, that an answer is taken, or we ourselves."""


def room_for_connections() -> int:
    """Raise the process's limit of open files as far as it may, and return how many can be had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return _MOST
    return max(_FEWEST, min(_MOST, (hard - _RESERVED) // _DESCRIPTORS_EACH))


class PatientProtocol(H11Protocol):
    """Speaks HTTP with who makes progress.

    ``limit_concurrency`` of uvicorn's configuration bounds the connections: the one that has kept
    us waiting for a request for the longest makes room for the next.

    Attributes:
        patience_s: How long a head or a body may take, and an answer be left untaken.
        look_s: How often that is looked at.
        waited_since: Since when there was no progress, on the loop's clock.
    """

    patience_s = 30.0
    look_s = 5.0
    _said_at: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own narrowing
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._seen: tuple[Turn, object] = ("head", None)
        self.waited_since = self.loop.time()
        self._untaken_bytes = 0
        self._look = self.loop.call_later(self.look_s, self._look_at_it)
        if self._most is not None and len(self.connections) > self._most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._look.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the customer has taken something."""
        self.waited_since = self.loop.time()
        super().resume_writing()

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The newest request; uvicorn's own type forgets that there may be none yet."""
        return self.cycle

    def turn(self) -> Turn:
        """Return what is waited for."""
        if self.transport.get_write_buffer_size() > 0:
            return "taking"
        if self._cycle is None or self._cycle.response_complete:
            return "head"
        if self._cycle.more_body and not self.flow.read_paused:
            return "body"
        return "ours"

    def _look_at_it(self) -> None:
        now = self.loop.time()
        seen = (self.turn(), self._cycle)
        untaken_bytes = _untaken_bytes(self.transport)
        has_moved = seen != self._seen or untaken_bytes < self._untaken_bytes
        self._seen, self._untaken_bytes = seen, untaken_bytes
        if has_moved or seen[0] == "ours":
            self.waited_since = now
        if now - self.waited_since >= self.patience_s:
            self.transport.abort()
            return
        self._look = self.loop.call_later(self.look_s, self._look_at_it)

    def _make_room(self) -> None:
        """End the connection whose request has been waited for the longest, if need be this one."""
        waiting = [
            each
            for each in self.connections
            if isinstance(each, PatientProtocol)
            # Who was ended in this round of the loop is still among them.
            and not each.transport.is_closing()
            and each.turn() == "head"
        ]
        min(waiting, key=lambda each: each.waited_since, default=self).transport.abort()
        said_at, now = PatientProtocol._said_at, self.loop.time()
        if said_at is None or now - said_at >= _SAY_AGAIN_AFTER_S:
            PatientProtocol._said_at = now
            _LOG.warning("connections_full most=%s", self._most)

    def _should_upgrade(self) -> bool:
        """Speak HTTP/1.1 whatever else is proposed, and write no line about it."""
        return False


def _untaken_bytes(transport: asyncio.Transport) -> int:
    """Return how much of what was written has not been taken, as far as it is known.

    The kernel may hold megabytes, and says only after a third of them that there is room for more.
    """
    plug = transport.get_extra_info("socket")
    try:
        [unacknowledged] = struct.unpack("i", fcntl.ioctl(plug.fileno(), termios.TIOCOUTQ, b"0000"))
    except OSError:
        # It has been closed meanwhile.
        unacknowledged = 0
    return transport.get_write_buffer_size() + int(unacknowledged)
