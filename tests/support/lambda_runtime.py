"""Lambda's runtime API (version 2018-06-01), as far as a function sees it, and a function on it.

The function is a real process: ``python -m awslambdaric MODULE.handler``, as in a container image.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.processes import PATIENCE_S, Process, environment, running

_BASE = "/2018-06-01/runtime"


class InvocationError(Exception):
    """The function failed.

    Attributes:
        error_type: The name of its exception.
        message: What it says.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.error_type = error_type
        self.message = message


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.events: queue.Queue[tuple[str, bytes, float] | None] = queue.Queue()
        self.outcomes: dict[str, queue.Queue[tuple[str, bytes]]] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:  # http.server's own types
        """Say nothing of a function that was ended while it waited."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet for head and body: the second would wait for the client's acknowledgement.
    wbufsize = -1
    server: _Api

    def do_GET(self) -> None:
        """Hand the next event out; wait until there is one."""
        item = self.server.events.get()
        if item is None:
            self.close_connection = True
            return
        request_id, event, timeout_s = item
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),  # noqa: TID251 - by the clock
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:f",
            "Content-Type": "application/json",
        }
        self._answer(200, event, headers)

    def do_POST(self) -> None:
        """Take an outcome."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        *_, request_id, kind = self.path.removeprefix(_BASE).split("/")
        outcome = self.server.outcomes.get(request_id)
        if outcome is not None:
            outcome.put((kind, body))
        self._answer(202, b"", {})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Function:
    """A running function.

    Attributes:
        process: What it says is in there.
    """

    def __init__(self, api: _Api, process: Process) -> None:
        self._api = api
        self.process = process

    def invoke(self, event: Mapping[str, object], *, timeout_s: float = 30.0) -> dict[str, object]:
        """Hand one event over and wait for the answer.

        Raises:
            InvocationError: The function failed.
        """
        request_id = str(uuid4())
        outcome: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._api.outcomes[request_id] = outcome
        self._api.events.put((request_id, json.dumps(event).encode(), timeout_s))
        try:
            kind, body = outcome.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(self.process.describe("no answer")) from None
        answer = json.loads(body)
        if kind == "error":
            raise InvocationError(answer["errorType"], answer["errorMessage"])
        assert isinstance(answer, dict), body
        return answer


@contextmanager
def running_function(
    handler: str, *, folder: Path, environ: Mapping[str, str]
) -> Iterator[Function]:
    """Run a function.

    Args:
        handler: Module and name, with a dot between.
        folder: Where it works; the repository's packages are found all the same.
        environ: What it finds in its environment.
    """
    root = Path(__file__).parents[2]
    with _Api() as api:
        thread = threading.Thread(target=api.serve_forever)
        thread.start()
        settings = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
            "PYTHONPATH": str(root),
            **environ,
        }
        command = [sys.executable, "-m", "awslambdaric", handler]
        try:
            with running(command, folder=folder, environ=environment(**settings)) as process:
                yield Function(api, process)
        finally:
            api.events.put(None)
            api.shutdown()
            thread.join()


def http_event(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
) -> dict[str, object]:
    """Return an event of an HTTP API, payload format 2.0."""
    plain, _, query = path.partition("?")
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": plain,
        "rawQueryString": query,
        "headers": {"host": "api.test", "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "http": {
                "method": method,
                "path": plain,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    return event if body is None else {**event, "body": body}
