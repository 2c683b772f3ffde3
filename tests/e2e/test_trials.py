"""A parallel run behind a real gateway: who is asked, and how. See also `test_bad_candidates`."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.figueira import Figueira
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
backends:
  legacy: {{url: {legacy}}}
  candidate: {{url: {candidate}, timeouts: {{first_byte: 2s, idle: 1s}}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, backend: legacy, parallel_run: trial}}
parallel_runs:
  trial:
    control: legacy
    candidate: candidate
    budget: {{in_flight: 8}}
    request_headers: {{candidate: {{X-Key: secret}}}}
"""
BODY = b'{"id": 7, "name": "caf\xc3\xa9"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


class Origin:
    """A backend that answers each request as its `way` says; heads that it read are in `heads`."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.heads: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse everybody."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while head := self._read(connection):
                    self.heads.append(head)
                    if not self._answer(connection):
                        return
            except OSError:
                return

    def _read(self, connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(65536)
            if not data:
                return b""
            head += data
        return head

    def _answer(self, connection: socket.socket) -> bool:
        if self.way == "slow":
            threading.Event().wait(1)
        connection.sendall(OK)
        return True


def sheet(figueira: Figueira) -> dict[str, Any]:
    """The run's balance sheet."""
    (run,) = figueira.status()["parallel_runs"]
    found: dict[str, Any] = run
    assert sum(found["classes"].values()) + found["pending"] == found["eligible"]
    return found


def settled(figueira: Figueira, eligible: int) -> dict[str, int]:
    """The classes once that many requests are eligible and none is pending."""

    def look() -> dict[str, int] | None:
        found = sheet(figueira)
        is_settled = found["eligible"] >= eligible and not found["pending"]
        return {k: v for k, v in found["classes"].items() if v} if is_settled else None

    return eventually(look, "all trials end")


@contextmanager
def shop(start: Start, way: str) -> Iterator[tuple[Figueira, httpx.Client, Origin]]:
    legacy, candidate = Origin("alike"), Origin(way)
    try:
        with (
            start(ROUTES.format(legacy=legacy.url, candidate=candidate.url)) as figueira,
            httpx.Client(base_url=figueira.url, timeout=10) as customer,
        ):
            yield figueira, customer, candidate
    finally:
        legacy.close()
        candidate.close()


def test_the_candidate_is_asked_as_the_control_was_and_marked(start: Start) -> None:
    with shop(start, "alike") as (figueira, customer, candidate):
        trace = "0123456789abcdef0123456789abcdef"
        customer.get(
            "/a%20b?c=%2F", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-A": "1"}
        )
        assert settled(figueira, 1) == {"matched": 1}
        (head,) = candidate.heads
        assert head.startswith(b"GET /a%20b?c=%2F HTTP/1.1\r\n")
        host = figueira.url.removeprefix("http://").encode()
        assert b"\r\nHost: " + host in head
        assert b"\r\nX-A: 1\r\n" in head
        assert b"\r\nx-key: secret\r\n" in head
        (trial,) = re.findall(rb"\r\nX-Figueira-Trial: ([0-9a-f]{32})\r\n", head)
        assert b"\r\ntraceparent: 00-%b-%b-01\r\n" % (trace.encode(), trial[:16]) in head
        assert b"00f067aa0ba902b7" not in head


def test_writes_are_refused_and_counted(start: Start) -> None:
    with shop(start, "alike") as (figueira, customer, candidate):
        customer.delete("/things/1")
        assert settled(figueira, 1) == {"unsafe_refused": 1}
        assert candidate.heads == []


def test_the_sheet_survives_control(start: Start) -> None:
    """What a control that is killed had under way is lost, and said to be."""
    with shop(start, "slow") as (figueira, customer, _):
        assert customer.get("/things/1").content == BODY
        assert settled(figueira, 1) == {"matched": 1}
        before = figueira.status()["control"]["pid"]
        eventually(lambda: not sheet(figueira)["pending"], "none is pending")
        for number in range(5):
            assert customer.get(f"/late/{number}").content == BODY
        eventually(lambda: sheet(figueira)["eligible"] == 6, "six are eligible")
        os.kill(before, signal.SIGKILL)
        figueira.wait_until_whole(without=[before])
        assert customer.get("/things/2").content == BODY
        classes = settled(figueira, 7)
        assert sum(classes.values()) == 7
        assert classes["lost"] >= 1
        assert classes["matched"] >= 1
