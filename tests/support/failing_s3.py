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


class SwitchedS3:
    """A way to an object store that can be made to say 503 to everything, and well again.

    Attributes:
        url: Its address.
    """

    def __init__(self, listener: socket.socket, store: tuple[str, int]) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._store = store
        self._is_busy = False
        self._open: set[socket.socket] = set()

    def break_(self) -> None:
        """Say 503 from now on, also to who is connected."""
        self._is_busy = True
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Pass everything on."""
        self._is_busy = False

    def serve(self, client: socket.socket) -> None:
        """Answer one connection."""
        with client, suppress(OSError):
            if self._is_busy:
                client.recv(65536)
                client.sendall(_SLOW_DOWN)
                return
            with socket.create_connection(self._store) as store:
                self._open |= {client, store}
                back = threading.Thread(target=_pump, args=(store, client))
                back.start()
                _pump(client, store)
                back.join()
                self._open -= {client, store}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def switched_s3(store: tuple[str, int]) -> Iterator[SwitchedS3]:
    """Run the way to a store."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        switched = SwitchedS3(listener, store)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=switched.serve, args=(client,)).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield switched
        finally:
            switched.break_()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
