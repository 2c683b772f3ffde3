"""An object store that misbehaves, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

_SIZE = 1_000_000
_HEAD = (
    b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1000000\r\n"
    b'Content-Range: bytes 0-999999/1000000\r\nETag: "a"\r\n'
    b"Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n\r\n"
)
_SLOW_DOWN = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 42\r\n"
    b"Connection: close\r\n\r\n<Error><Code>SlowDown</Code></Error>      "
)


class Manner(Enum):
    """How it misbehaves."""

    SILENT = auto()
    """Accepts, and never answers."""
    BUSY = auto()
    """503 to everything."""
    CUT = auto()
    """Closes in the middle of every body."""


@contextmanager
def failing_s3(manner: Manner) -> Iterator[str]:
    """Run it; what is handed out is its URL."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            match manner:
                case Manner.SILENT:
                    over.wait()
                case Manner.BUSY:
                    connection.sendall(_SLOW_DOWN)
                case Manner.CUT:
                    connection.sendall(_HEAD + b"x" * (_SIZE // 4))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,)).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            # Closing alone does not wake whoever waits for a connection.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
