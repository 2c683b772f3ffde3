"""How a customer's connection ends: patiently behind a complete answer, or cut within one."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import socket
import struct
import sys
import termios

UNREAD_PATIENCE_S = 30.0
"""For a customer to read on where the end of an answer waits to be read."""
QUIET_PATIENCE_S = 2.0
"""For a customer who has all of an early answer to close, or to go on sending what it began: a
close while data arrives would take the answer away from it (RFC 9112, section 9.6)."""
SENDING_PATIENCE_S = 30.0
"""For such a customer to send; then the rest of a long upload is not waited for."""
_TCP_CLOSE, _TCP_CLOSE_WAIT = 7, 8
"""States of a connection that its other end has cut, or closed (Linux, ``tcp_states.h``)."""
_LAST_RECEIVED = 52
"""Where ``tcp_info`` holds the milliseconds since data came (Linux, ``tcpi_last_data_recv``)."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Progress:
    """Whether a customer is reading, however slowly."""

    def __init__(self, now_s: float) -> None:
        self.unread_bytes = 0
        """On their way to the customer when last asked."""
        self._read_s = now_s

    def last_read_s(self, transport: asyncio.Transport, now_s: float) -> float:
        """When less was last found to wait than before; to be asked again and again."""
        unread_bytes = transport.get_write_buffer_size() + _unsent_bytes(transport)
        if unread_bytes != self.unread_bytes:
            self.unread_bytes = unread_bytes
            self._read_s = now_s
        return self._read_s


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """What the kernel has not brought to the other end: megabytes, for a slow one minutes' worth.

    It takes more from us only when a third of that has gone.
    """
    return _waiting_bytes(transport, termios.TIOCOUTQ)


def has_unread(transport: asyncio.Transport) -> bool:
    """Whether bytes have come that nobody has read yet. False where the system cannot tell."""
    return _waiting_bytes(transport, termios.FIONREAD) > 0


def _waiting_bytes(transport: asyncio.Transport, which: int) -> int:
    size = bytearray(4)
    # A connection that was cut a moment ago has no socket any more.
    with contextlib.suppress(OSError, AttributeError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), which, size)
    return int.from_bytes(size, sys.byteorder)


class Parting:
    """A connection behind its last answer."""

    def __init__(self, now_s: float) -> None:
        self._progress = Progress(now_s)
        self._heard_s = now_s

    def heard(self, now_s: float) -> None:
        """Note that the customer is still sending."""
        self._heard_s = now_s

    def is_over(self, transport: asyncio.Transport, now_s: float) -> bool:
        """Whether the customer has had time enough; to be asked again and again."""
        waited_s = now_s - self._progress.last_read_s(transport, now_s)
        if self._progress.unread_bytes:
            return waited_s > UNREAD_PATIENCE_S
        quiet_s = min(waited_s, now_s - self._heard_s, _silence_s(transport))
        return quiet_s > QUIET_PATIENCE_S or waited_s > SENDING_PATIENCE_S


def has_left(transport: asyncio.Transport) -> bool:
    """Whether the other end has closed or cut the connection: no event says so while we read none.

    False where the system cannot tell; the timeouts then do.
    """
    return _state(transport) in {_TCP_CLOSE, _TCP_CLOSE_WAIT}


def is_cut(transport: asyncio.Transport) -> bool:
    """Whether the other end, having closed already, has cut the connection.

    False where the system cannot tell.
    """
    return _state(transport) == _TCP_CLOSE


def _state(transport: asyncio.Transport) -> int:
    told = _tcp_info(transport, 1)
    return told[0] if told else 0


def _silence_s(transport: asyncio.Transport) -> float:
    """For how long nothing has come over TLS; infinite where `Parting.heard` is told of it.

    A transport over TLS that is closing drops what comes, and says so to nobody.
    """
    if transport.get_extra_info("sslcontext") is None:
        return math.inf
    told = _tcp_info(transport, _LAST_RECEIVED + 4)
    return int.from_bytes(told[_LAST_RECEIVED:], sys.byteorder) / 1000 if told else math.inf


def _tcp_info(transport: asyncio.Transport, size: int) -> bytes:
    """The first bytes of what the system knows of a connection; empty where it cannot tell."""
    with contextlib.suppress(OSError, AttributeError):
        connected = transport.get_extra_info("socket")
        return bytes(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size))
    return b""


def reset(transport: asyncio.Transport) -> None:
    """Cut a connection so that the other end sees an error, not an end.

    An answer that ends with its connection would look complete behind an ordinary close.
    """
    # The other end may be gone already; then there is nothing left to tell it.
    with contextlib.suppress(OSError, AttributeError):
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
        )
    transport.abort()


def give_up(transport: asyncio.Transport) -> None:
    """Close a connection at once: as a cut one if the end of an answer was still to be written."""
    if transport.get_write_buffer_size():
        reset(transport)
    else:
        transport.abort()
