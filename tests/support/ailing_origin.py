"""A backend that falls ill and gets well again as a test says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from tests.support.processes import PATIENCE_S

Illness = Literal["", "refuses", "resets", "hangs", "fails", "lies"]
"""Nothing; no connection; a cut one; no answer; 503; 200 with an error in it."""
ILLNESSES: tuple[Illness, ...] = ("refuses", "resets", "hangs", "fails", "lies")
_CUT = struct.pack("ii", 1, 0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of customers who leave."""


class AilingOrigin:
    """A running backend; every request it has read is in `asked`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.illness: Illness = ""
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request, probes included."""
        self._recovered = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self._open()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def fall_ill(self, illness: Illness) -> None:
        """Be ill from now on, in one of these ways."""
        self._recovered.clear()
        self.illness = illness
        if illness == "refuses":
            self.close()

    def recover(self) -> None:
        """Be well from now on."""
        self.illness = ""
        self._recovered.set()
        if self._server is None:
            self._open()

    def creations(self) -> list[str]:
        """The paths of all requests that create something."""
        return [path for method, path in self.asked if method == "POST"]

    def _open(self) -> None:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                origin.serve(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                origin.serve(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the library
                """Say nothing."""

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer, or not."""
        self.asked.append((handler.command, handler.path))
        illness = self.illness
        if illness == "hangs":
            self._recovered.wait(PATIENCE_S)
        if illness in {"resets", "refuses", "hangs"}:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
            handler.close_connection = True
            return
        body = {"error": "later"} if illness == "lies" else {"made_by": self.name}
        data = json.dumps(body).encode()
        handler.send_response(503 if illness == "fails" else 200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def close(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()


@contextmanager
def ailing_origin(name: str) -> Iterator[AilingOrigin]:
    """Run such a backend."""
    origin = AilingOrigin(name)
    try:
        yield origin
    finally:
        origin.recover()
        origin.close()
