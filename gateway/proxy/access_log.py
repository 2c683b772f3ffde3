"""Writes access lines without ever holding up a request.

Lines are gathered in the event loop and handed, four times a second, to a thread that writes them;
more often, the thread's waking would cost each request more than its line does. When whoever reads
the log is slower than the traffic, lines are dropped and counted, and customers notice nothing.
"""

from __future__ import annotations

import os
import queue
import stat
import threading

_MAX_GATHERED = 4096
"""Lines between two sweeps: 16,000 requests a second; beyond, they are handed over early."""
_MAX_WAITING_BYTES = 8 * 1024 * 1024
"""On their way to the file: some 20,000 lines."""
_ATOMIC_BYTES = 4096
"""PIPE_BUF on Linux: writes up to it are never torn by another process writing to the pipe."""


class AccessLog:
    """A file descriptor that access lines go to; None drops them all."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._gathered: list[bytes] = []
        self._gathered_lines = 0
        self._batches: queue.SimpleQueue[bytes | int | None] = queue.SimpleQueue()
        """Lines to write; or a descriptor that those behind it go to; None at the end."""
        # Each is changed by one thread only, so that neither needs a lock.
        self._handed_bytes = 0
        self._written_bytes = 0
        self.is_on = descriptor is not None
        """Whether lines are wanted at all."""
        self.dropped = 0
        """Lines lost so far."""
        self._thread = threading.Thread(target=self._write_all, name="access-log", daemon=True)
        if descriptor is not None:
            self._is_file = _is_file(descriptor)
            self._thread.start()

    def add(self, lines: bytes, count: int) -> None:
        """Take `count` whole lines; they are written soon."""
        if not self.is_on:
            return
        self._gathered.append(lines)
        self._gathered_lines += count
        if self._gathered_lines >= _MAX_GATHERED:
            self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the writing thread; called about four times a second."""
        if not self._gathered:
            return
        batch, count = b"".join(self._gathered), self._gathered_lines
        self._gathered, self._gathered_lines = [], 0
        if self._handed_bytes - self._written_bytes > _MAX_WAITING_BYTES:
            self.dropped += count
            return
        self._handed_bytes += len(batch)
        self._batches.put(batch)

    def reopen(self, descriptor: int) -> None:
        """Write to another file from now on; the one before is closed behind its last line."""
        self.flush()
        self._batches.put(descriptor)

    def close(self, patience_s: float = 2.0) -> None:
        """Write what is left, waiting no longer than `patience_s` for a stuck reader."""
        self.flush()
        if self._thread.is_alive():
            self._batches.put(None)
            self._thread.join(patience_s)

    def _write_all(self) -> None:
        while (batch := self._batches.get()) is not None:
            if isinstance(batch, int):
                self._go_on_in(batch)
                continue
            try:
                self._write(batch)
            except OSError:
                self.dropped += batch.count(b"\n")
            self._written_bytes += len(batch)

    def _go_on_in(self, descriptor: int) -> None:
        before, self._descriptor = self._descriptor, descriptor
        self._is_file = _is_file(descriptor)
        if before is not None:
            os.close(before)

    def _write(self, batch: bytes) -> None:
        """Write whole lines; into a pipe, as many at a time as go into one atomic write."""
        assert self._descriptor is not None  # noqa: S101 - the thread runs only with one
        piece_bytes = len(batch) if self._is_file else _ATOMIC_BYTES
        start = 0
        while start < len(batch):
            end = batch.rfind(b"\n", start, start + piece_bytes) + 1
            if end == 0:
                end = batch.index(b"\n", start) + 1
            piece = batch[start:end]
            while piece:
                piece = piece[os.write(self._descriptor, piece) :]
            start = end


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
