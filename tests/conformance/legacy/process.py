"""The monolith as a real process, and raw exchanges with it."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import PATIENCE_S, Process, environment
from tests.support.processes import running as process_running


@dataclass(frozen=True, slots=True, kw_only=True)
class Monolith:
    """A running ``python -m legacy_stub``."""

    process: Process
    port: int
    changes_port: int

    @property
    def log(self) -> list[str]:
        """What it said after the two lines with its addresses."""
        return self.process.stderr[2:]

    def exchange(self, request: bytes) -> bytes:
        """Send the bytes of one request on a new connection; return all that comes back."""
        return exchange(self.port, request)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end and return the exit code."""
        return self.process.stop(number)


def exchange(port: int, request: bytes) -> bytes:
    """Send the bytes of one request to a port of this machine; return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Monolith]:
    """Start the monolith on a free port, its database in ``folder``; kill it if it is still there.

    Args:
        folder: An empty folder.
        settings: More environment variables.
    """
    environ = environment(LEGACY_DATABASE_URL=f"sqlite:///{folder}/legacy.db", **settings)
    command = [sys.executable, "-m", "legacy_stub", "--host", "127.0.0.1", "--port", "0"]
    with process_running(command, folder=folder, environ=environ) as process:
        started = process.wait_for_line(r"legacy_stub: listening on http://127\.0\.0\.1:(\d+)")
        assert process.stderr[0] == started[0]
        changes = process.wait_for_line(
            r"legacy_stub: changes on http://127\.0\.0\.1:(\d+)/changes"
        )
        yield Monolith(process=process, port=int(started[1]), changes_port=int(changes[1]))
