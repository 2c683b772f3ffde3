"""Writes access lines without ever holding up a request.

Lines are gathered in the event loop and written by a thread; when whoever reads the log is slower
than the traffic, lines are dropped and counted, and customers notice nothing.
"""

from __future__ import annotations

import os
import queue
import threading

from gateway.telemetry.access_line import AccessLine, encode_lines

_MAX_GATHERED = 64
"""Lines encoded in one go: enough to share the cost, few enough for one short pause."""
_MAX_WAITING = 256
"""Batches on their way to the file: about 16,000 lines, some 6 MB."""
_ATOMIC_BYTES = 4096
"""PIPE_BUF on Linux: writes up to it are never torn by another process writing to the pipe."""


class AccessLog:
    """A file descriptor that access lines go to; None drops them all."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._lines: list[AccessLine] = []
        self._batches: queue.Queue[bytes | None] = queue.Queue(_MAX_WAITING)
        self.dropped = 0
        """Lines lost so far."""
        self._thread = threading.Thread(target=self._write_all, name="access-log", daemon=True)
        if descriptor is not None:
            self._thread.start()

    def add(self, line: AccessLine) -> None:
        """Take a line; it is written soon."""
        if self._descriptor is not None:
            self._lines.append(line)
            if len(self._lines) >= _MAX_GATHERED:
                self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the writing thread; called about four times a second."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        try:
            self._batches.put_nowait(encode_lines(lines))
        except queue.Full:
            self.dropped += len(lines)

    def close(self, patience_s: float = 2.0) -> None:
        """Write what is left, waiting no longer than `patience_s` for a stuck reader."""
        self.flush()
        if self._thread.is_alive():
            try:
                self._batches.put(None, timeout=patience_s)
            except queue.Full:
                return
            self._thread.join(patience_s)

    def _write_all(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._write(batch)
            except OSError:
                self.dropped += batch.count(b"\n")

    def _write(self, batch: bytes) -> None:
        """Write whole lines at a time, as many as go into one atomic write."""
        assert self._descriptor is not None  # noqa: S101 - the thread runs only with one
        start = 0
        while start < len(batch):
            end = batch.rfind(b"\n", start, start + _ATOMIC_BYTES) + 1
            if end == 0:
                end = batch.index(b"\n", start) + 1
            chunk = batch[start:end]
            while chunk:
                chunk = chunk[os.write(self._descriptor, chunk) :]
            start = end
