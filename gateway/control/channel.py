"""A link between two processes: bounded, never blocking, message by message."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

from gateway.control.messages import FrameError, Frames, Message, encode

MAX_UNSENT_BYTES = 8 * 1024 * 1024
"""Four of the largest snapshots; beyond, the other end is stuck and messages are shed."""
_LOOK_EVERY_S = 0.01


class Channel(asyncio.Protocol):
    """One end of a socket pair."""

    def __init__(
        self, received: Callable[[Message], None], ended: Callable[[], None] = lambda: None
    ) -> None:
        """Call `received` for each message, and `ended` once when the other end is gone."""
        self._received = received
        self._ended = ended
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self.shed = 0
        """Messages not sent because the other end did not read."""

    @classmethod
    async def open(
        cls,
        end: socket.socket,
        received: Callable[[Message], None],
        ended: Callable[[], None] = lambda: None,
    ) -> Channel:
        """Start talking over `end`, which belongs to the channel from now on."""
        end.setblocking(False)
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(lambda: cls(received, ended), sock=end)
        return channel

    @property
    def is_open(self) -> bool:
        """Whether the other end is there, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """What the other end has not read yet; 0 if there is none."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def send(self, message: Message, most_unsent_bytes: int | None = None) -> bool:
        """Send without waiting; False if the message was shed.

        Args:
            message: What to say.
            most_unsent_bytes: With more than this unsent it is shed; None for `MAX_UNSENT_BYTES`.
                What matters less than other messages sets it lower.
        """
        most = MAX_UNSENT_BYTES if most_unsent_bytes is None else most_unsent_bytes
        transport = self._transport
        is_stuck = transport and transport.get_write_buffer_size() > most
        if transport is None or transport.is_closing() or is_stuck:
            self.shed += 1
            return False
        transport.write(encode(message))
        return True

    async def drained(self, patience_s: float) -> None:
        """Wait until the other end has taken what was sent, but no longer than `patience_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._transport is not None and self._transport.get_write_buffer_size():  # noqa: ASYNC110 - a transport tells nobody that it is empty
                    await asyncio.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Stop talking; `ended` is called."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass messages on; drop the link if they make no sense."""
        try:
            messages = self._frames.feed(data)
        except FrameError:
            self.close()
            return
        for message in messages:
            self._received(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone either way
        """Tell whoever listens."""
        self._transport = None
        self._ended()
