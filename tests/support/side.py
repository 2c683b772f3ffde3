"""One side of a parallel run: a real server whose answers are a function of what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Question:
    """A request, as it came."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


@dataclass(slots=True)
class Reply:
    """What is said to it."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def says(document: object, status: int = 200) -> Reply:
    """A JSON document."""
    return Reply(status, json.dumps(document).encode())


@dataclass(slots=True)
class Side:
    """A server that listens."""

    url: str
    answer: Callable[[Question], Reply]
    """May be another one at any time."""
    asked: list[Question] = field(default_factory=list)

    def targets(self) -> list[str]:
        """What was asked for, in order: ``GET /things/7``."""
        return [f"{each.method} {each.path}" for each in self.asked]


@contextmanager
def side(answer: Callable[[Question], Reply]) -> Iterator[Side]:
    """A server that listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            # Head and body go out apart: without this the second waits for the first's receipt.
            self.connection.setsockopt(6, 1, 1)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            fields = {name.lower(): value for name, value in self.headers.items()}
            question = Question(self.command, self.path, fields, self.rfile.read(length))
            here.asked.append(question)
            reply = here.answer(question)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Side(f"http://127.0.0.1:{server.server_address[1]}", answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
