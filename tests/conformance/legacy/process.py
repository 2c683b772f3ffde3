"""The monolith as a real process, and raw exchanges with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 20.0  # far more than anything here takes, so that a hang ends as a failure


@dataclass(slots=True, kw_only=True)
class Monolith:
    """A running ``python -m legacy_stub``."""

    process: subprocess.Popen[str]
    port: int
    log: list[str] = field(default_factory=list)

    def exchange(self, request: bytes) -> bytes:
        """Send the bytes of one request on a new connection; return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Monolith]:
    """Start the monolith on a free port, its database in ``folder``; kill it if it is still there.

    Args:
        folder: An empty folder.
        settings: More environment variables.
    """
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LEGACY_")},
        "LEGACY_DATABASE_URL": f"sqlite:///{folder}/legacy.db",
        **settings,
    }
    command = [sys.executable, "-m", "legacy_stub", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        started = re.fullmatch(r"legacy_stub: listening on http://127\.0\.0\.1:(\d+)\n", line)
        assert started is not None, line
        monolith = Monolith(process=process, port=int(started[1]))
        # its log must be read, or it blocks once the pipe is full
        reader = threading.Thread(target=monolith.log.extend, args=(process.stderr,))
        reader.start()
        try:
            yield monolith
        finally:
            process.kill()
            reader.join()
