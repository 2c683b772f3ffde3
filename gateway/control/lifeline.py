"""The supervisor's link to each child: messages, descriptors, and each other's death.

Either end sees the other's end of file the moment that process dies, however it dies.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from gateway.control.messages import ControlLinked, Frames, Linked, Message, encode

_READ_BYTES = 256 * 1024
_MAX_DESCRIPTORS = 64
"""More than the workers there can be."""


class Lifeline:
    """One end; read by `read` when it is readable (the supervisor), or by `listen` (a child)."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._frames = Frames()
        self._descriptors: list[int] = []

    def send(self, message: Message, descriptor: int | None = None) -> bool:
        """Send a message, with a descriptor where it announces one; False if the end is gone."""
        try:
            if descriptor is None:
                self.end.sendall(encode(message))
            else:
                # A message with a descriptor is small: it goes out whole or not at all.
                socket.send_fds(self.end, [encode(message)], [descriptor])
        except OSError:
            return False
        return True

    def read(self) -> list[tuple[Message, int | None]] | None:
        """What has come, each message with its descriptor or None; None if the end is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.end, _READ_BYTES, _MAX_DESCRIPTORS)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        self._descriptors += descriptors
        return [(message, self._descriptor_of(message)) for message in self._frames.feed(data)]

    def _descriptor_of(self, message: Message) -> int | None:
        return self._descriptors.pop(0) if isinstance(message, Linked | ControlLinked) else None

    def listen(
        self, received: Callable[[Message, int | None], None], ended: Callable[[], None]
    ) -> None:
        """Call `received` for each message, in the running loop; `ended` when the end is gone."""
        loop = asyncio.get_running_loop()

        def on_readable() -> None:
            messages = self.read()
            if messages is None:
                loop.remove_reader(self.end)
                ended()
                return
            for message, descriptor in messages:
                received(message, descriptor)

        loop.add_reader(self.end, on_readable)

    def close(self) -> None:
        """Close this end and whatever descriptors nobody took."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self.end.close()
