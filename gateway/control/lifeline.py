"""The supervisor's link to each child: messages, descriptors, and each other's death.

Either end sees the other's end of file the moment that process dies, however it dies. Neither end
ever waits for the other: a stopped process holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

from gateway.control.messages import ControlLinked, FrameError, Frames, Linked, Message, encode

_READ_BYTES = 256 * 1024
_MAX_DESCRIPTORS = 64
"""More than the workers there can be."""
Received = tuple[Message, int | None]
"""A message, and its descriptor if one came along."""


class Lifeline:
    """One end; the supervisor uses `send` and `read`, a child `post` and `listen`."""

    def __init__(self, end: socket.socket) -> None:
        """Take an end of a socket pair."""
        end.setblocking(False)
        self.end = end
        self._frames = Frames()
        self._descriptors: list[int] = []
        self._unsent = memoryview(b"")
        """What is left of the message that is being posted."""
        self._waiting: dict[type[Message], bytes] = {}
        self._spare: int | None = None

    def send(self, message: Message, descriptor: int | None = None) -> bool:
        """Send a small message now, with a descriptor where it announces one.

        Returns:
            False if the end is gone, or does not read: hundreds of such messages fit in a socket.
        """
        frame = encode(message)
        try:
            # A message this small goes out whole or not at all.
            if descriptor is None:
                self.end.send(frame)
            else:
                socket.send_fds(self.end, [frame], [descriptor])
        except OSError:
            return False
        return True

    def post(self, message: Message) -> None:
        """Send a message of any size, in the running loop, as fast as the other end reads.

        A newer message takes the place of one of its kind that still waits: what is posted is
        state, and only the newest counts.
        """
        self._waiting[type(message)] = encode(message)
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._unsent or self._waiting:
            if not self._unsent:
                self._unsent = memoryview(self._waiting.pop(next(iter(self._waiting))))
            try:
                sent = self.end.send(self._unsent)
            except BlockingIOError:
                loop.add_writer(self.end, self._flush)
                return
            except OSError:
                # Nobody is there any more; whoever listens hears of that.
                self._unsent = memoryview(b"")
                self._waiting.clear()
            else:
                self._unsent = self._unsent[sent:]
        loop.remove_writer(self.end)

    def read(self) -> list[Received] | None:
        """What has come by now; None if the end is gone.

        Raises:
            FrameError: What came is no message.
        """
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
        is_announced = isinstance(message, Linked | ControlLinked)
        # The kernel drops a descriptor that a process at its limit cannot take.
        return self._descriptors.pop(0) if is_announced and self._descriptors else None

    def listen(
        self, received: Callable[[Message, int | None], None], ended: Callable[[], None]
    ) -> None:
        """Call `received` for each message, in the running loop; `ended` when the end is gone."""
        loop = asyncio.get_running_loop()

        def on_readable() -> None:
            try:
                messages = self._read_with_room()
            except FrameError:
                messages = None
            if messages is None:
                loop.remove_reader(self.end)
                ended()
                return
            for message, descriptor in messages:
                received(message, descriptor)

        self._keep_spare()
        loop.add_reader(self.end, on_readable)

    def _read_with_room(self) -> list[Received] | None:
        """Read with room for one descriptor, even when customers have taken all the others."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        try:
            return self.read()
        finally:
            self._keep_spare()

    def _keep_spare(self) -> None:
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close this end and whatever descriptors nobody took."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        self.end.close()
