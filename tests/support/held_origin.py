"""A backend whose answers wait until a test lets them go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.processes import PATIENCE_S

ANSWER = b"a whole answer, " * 4096
"""More than goes out at once."""
ROUTES = """
version: 1
backends:
  held: {{url: "{held}"}}
  legacy: {{url: "${{LEGACY_URL}}"}}
routes:
  - {{name: held, match: {{path_prefix: /held}}, backend: held}}
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""
"""One such backend, by its URL as `held`, beside the monolith."""


class HeldOrigin:
    """A running backend."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._arrived = threading.Semaphore(0)
        self._let_go = threading.Event()
        self.is_gone = False

    def wait_for_request(self) -> None:
        """Wait until one more request has arrived."""
        assert self._arrived.acquire(timeout=PATIENCE_S), "no request has arrived"

    def let_go(self) -> None:
        """Answer whatever waits, and from now on at once."""
        self._let_go.set()

    def hold(self) -> None:
        """Called for each request; returns when it may be answered."""
        self._arrived.release()
        self._let_go.wait(PATIENCE_S)


@contextmanager
def held_origin(port: int = 0) -> Iterator[HeldOrigin]:
    """Run such a backend; 0 takes any free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            origin.hold()
            if origin.is_gone:
                self.close_connection = True
                return
            try:
                self.send_response(200)
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)
            except OSError:
                self.close_connection = True  # the gateway did not wait for it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    origin = HeldOrigin(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield origin
    finally:
        origin.is_gone = True
        origin.let_go()
        server.shutdown()
        server.server_close()
        thread.join()
