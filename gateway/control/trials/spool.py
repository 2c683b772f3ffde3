"""Bodies of trials that are too large for memory, in one file that has no name.

Whatever ends control ends the file as well: nothing of a customer stays behind. All that touches
the disk happens in a thread of its own, in the order in which it was asked for: what is read was
written before, and a block that has a new owner keeps nothing of the one before. Nobody waits for
the disk; what it is too slow or too small for is given up.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TypeVar

from gateway.control.log import note, warn
from gateway.control.trials.blocks import BLOCK_BYTES, Blocks, more_blocks, places
from gateway.telemetry.events import Event

Done = TypeVar("Done")
MOST_BYTES = 512 * 1024 * 1024
"""On the disk, of all bodies."""
MOST_UNWRITTEN_BYTES = 32 * 1024 * 1024
"""That the disk has not taken yet: half a second of one that takes 64 MiB a second."""
QUIET_S = 60.0
"""Without a failure until all is well: on a disk that is nearly full small bodies succeed."""


class Refused(StrEnum):
    """Why a body cannot be kept."""

    FULL = "full"
    """There are as many bytes as there may be."""
    SLOW = "slow"
    """The disk does not keep up."""
    DISK = "disk"
    """It takes nothing: no space, no such folder, broken."""


class SpoolError(Exception):
    """A body cannot be read: it could not be written, or not be read again."""


class Spooled:
    """A body that is kept in a spool."""

    __slots__ = ("blocks", "fault", "size")

    def __init__(self) -> None:
        self.size = 0
        self.blocks: list[int] = []
        self.fault: Refused | None = None
        """Why it is not all there."""


class Spool:
    """Keeps bodies; used on one event loop."""

    def __init__(
        self,
        folder: str | None = None,
        *,
        most_bytes: int = MOST_BYTES,
        most_unwritten_bytes: int = MOST_UNWRITTEN_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make no file yet.

        Args:
            folder: Where it will be; None for the one of temporary files (``TMPDIR``).
            most_bytes: Of all bodies.
            most_unwritten_bytes: Of them, in memory, until the disk has taken them.
            clock: Monotonic, in seconds; asked in the thread.
        """
        self._folder = folder
        self._blocks = Blocks(most_bytes // BLOCK_BYTES)
        self._most_unwritten_bytes = most_unwritten_bytes
        self._thread = ThreadPoolExecutor(1, "spool")
        self._file: int | None = None
        """The thread's."""
        self._is_faulty = False
        """The thread's, too: it says once that something is wrong, and once that it is not."""
        self._failed_s = 0.0
        self._clock = clock
        self._given_bytes = 0
        self._done_bytes = 0
        """Counted by the thread alone, as the other is by the loop."""
        self._is_closed = False
        self.most_bytes = most_bytes
        self.refused: Counter[Refused] = Counter(dict.fromkeys(Refused, 0))
        """Bodies that were given up."""

    @property
    def held_bytes(self) -> int:
        """On the disk, or on their way there."""
        return self._blocks.taken * BLOCK_BYTES

    def add(self, body: Spooled, pieces: Sequence[bytes]) -> None:
        """Put bytes behind those that a body has; one that is given up takes no more."""
        size = sum(map(len, pieces))
        if body.fault is not None or self._is_closed or not size:
            return
        if self._given_bytes - self._done_bytes + size > self._most_unwritten_bytes:
            self._give_up(body, Refused.SLOW)
            return
        more = self._blocks.take(more_blocks(body.size, size))
        if more is None:
            self._give_up(body, Refused.FULL)
            return
        body.blocks += more
        where = places(body.blocks, body.size, body.size + size)
        body.size += size
        self._given_bytes += size
        self._thread.submit(self._write, body, where, pieces)

    async def run(self, work: Callable[[], Done]) -> Done:
        """Have something done with bodies in the thread, where `read_now` can be called.

        Raises:
            SpoolError: The spool is closed.
        """
        if self._is_closed:
            raise SpoolError(Refused.DISK)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def read_now(self, body: Spooled, behind: bytes = b"") -> bytes:
        """All of a body, and what comes behind it; called in the thread.

        Raises:
            SpoolError: It is not all there.
        """
        if not body.size and body.fault is None:
            return behind
        if body.fault is not None or self._file is None:
            raise SpoolError(body.fault or Refused.DISK)
        try:
            parts = [
                _pread(self._file, length, offset)
                for offset, length in places(body.blocks, 0, body.size)
            ]
        except OSError as error:
            body.fault = Refused.DISK
            self._say_failed(error)
            raise SpoolError(body.fault) from error
        return b"".join([*parts, behind])

    def free(self, body: Spooled) -> None:
        """Forget a body."""
        blocks, body.blocks, body.size = body.blocks, [], 0
        if blocks:
            self._blocks.give_back(blocks)
            if not self._blocks.taken and not self._is_closed:
                self._thread.submit(self._empty)

    def close(self) -> None:
        """Keep nothing any more."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    def _give_up(self, body: Spooled, why: Refused) -> None:
        self.refused[why] += 1
        body.fault = why
        self.free(body)

    # In the thread

    def _write(
        self, body: Spooled, where: Sequence[tuple[int, int]], pieces: Sequence[bytes]
    ) -> None:
        try:
            if body.fault is None:
                self._put(where, b"".join(pieces))
        except OSError as error:
            body.fault = Refused.DISK
            self.refused[Refused.DISK] += 1
            self._say_failed(error)
        finally:
            self._done_bytes += sum(map(len, pieces))

    def _put(self, where: Sequence[tuple[int, int]], data: bytes) -> None:
        if self._file is None:
            # Without a name, where the system can: else it loses it at once.
            with tempfile.TemporaryFile(buffering=0, dir=self._folder) as made:
                self._file = os.dup(made.fileno())
        start = 0
        for offset, length in where:
            _pwrite(self._file, memoryview(data)[start : start + length], offset)
            start += length
        if self._is_faulty and self._clock() - self._failed_s >= QUIET_S:
            self._is_faulty = False
            note(Event.SPOOL_RESTORED)

    def _say_failed(self, error: OSError) -> None:
        self._failed_s = self._clock()
        if not self._is_faulty:
            self._is_faulty = True
            folder = self._folder or tempfile.gettempdir()
            warn(Event.SPOOL_FAILED, folder=folder, why=error.strerror or error)

    def _empty(self) -> None:
        """Let the disk have its space back; what comes later is written later."""
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _pwrite(file: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _pread(file: int, length: int, offset: int) -> bytes:
    """Exactly so many bytes.

    Raises:
        OSError: There are fewer.
    """
    parts = []
    while length:
        part = os.pread(file, length, offset)
        if not part:
            raise OSError(f"the spool ends {length} bytes too soon")
        parts.append(part)
        length, offset = length - len(part), offset + len(part)
    return b"".join(parts)
