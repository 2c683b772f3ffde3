"""Customers who ask for the list of all images and do not read it hold a page of it each."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from tests.support.peak_memory import forget_peak, peak_bytes
from tests.support.processes import Process, environment, running

_IMAGES = 10_000
_PROMPT = "praia " * 600
_CLIENTS = 20
_LIST_BYTES = 36_000_000
# Of all of them together; each list is 36 MB.
_MOST_GROWN_BYTES = 100_000_000
_PATIENCE_S = 60.0
_FIRST_ID = 1_000_000_001


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Process, int]]:
    """A service with many images, and its port."""
    settings = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/images.db",
        "IMAGE_BLOB_URL": f"{tmp_path}/blobs",
        "IMAGE_PROVIDER": "procedural",
    }
    command = [sys.executable, "-m", "image_service", "--port", "0"]
    with running(command, folder=tmp_path, environ=environment(**settings)) as process:
        line = process.wait_for_line(r"image_service: listening on http://127\.0\.0\.1:(\d+) .*")
        with closing(sqlite3.connect(tmp_path / "images.db")) as database, database:
            database.executemany(
                "INSERT INTO images (id, prompt, size, status, provider, created_at)"
                " VALUES (?, ?, '256x256', 'falhou', 'procedural', 0)",
                [(_FIRST_ID + number, _PROMPT) for number in range(_IMAGES)],
            )
        yield process, int(line[1])


def test_lists_that_nobody_reads_take_no_memory(served: tuple[Process, int]) -> None:
    process, port = served
    httpx.get(f"http://127.0.0.1:{port}/livez")
    held = forget_peak(process.pid)
    with ExitStack() as stack:
        for _ in range(_CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(_PATIENCE_S)
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /images HTTP/1.1\r\nHost: images.test\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        # And one that reads gets all of it, meanwhile.
        answer = httpx.get(f"http://127.0.0.1:{port}/images", timeout=_PATIENCE_S)
        grown = peak_bytes(process.pid) - held
    assert len(answer.content) > _LIST_BYTES
    listed = answer.json()
    assert [image["id"] for image in listed] == list(range(_FIRST_ID, _FIRST_ID + _IMAGES))
    assert (
        answer.content
        == (json.dumps(listed, sort_keys=True, separators=(",", ":")) + "\n").encode()
    )
    assert grown < _MOST_GROWN_BYTES, f"{grown / 1e6:.0f} MB for {_CLIENTS} clients"
