"""Bodies that come slowly, and such as end in two places, at the real process."""

from __future__ import annotations

import re
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.peak_memory import forget_peak, peak_bytes
from tests.support.processes import Process, environment, running

_PATIENCE_S = 30.0
_WRITERS = 300
_PIECE_BYTES = 900_000
# There is room for 74. Some bodies take the kernel long, which has little room for so much itself.
_GIVEN_UP = 100
# 64 MiB of bodies, and buffers of connections; without a bound it would be 360 MB.
_MOST_GROWN_BYTES = 250_000_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Process, int]]:
    """A service, and its port."""
    settings = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/images.db",
        "IMAGE_BLOB_URL": f"{tmp_path}/blobs",
        "IMAGE_PROVIDER": "procedural",
    }
    command = [sys.executable, "-m", "image_service", "--port", "0"]
    with running(command, folder=tmp_path, environ=environment(**settings)) as process:
        line = process.wait_for_line(r"image_service: listening on http://127\.0\.0\.1:(\d+) .*")
        yield process, int(line[1])


def _connect(port: int) -> socket.socket:
    plug = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
    plug.settimeout(_PATIENCE_S)
    return plug


def _answers(plugs: list[socket.socket], count: int) -> list[bytes]:
    """Wait until so many are answered, and return what they are told."""
    answers: list[bytes] = []
    waiting = set(plugs)
    while len(answers) < count:
        answered, _, _ = select.select(waiting, [], [], _PATIENCE_S)
        assert answered, f"{len(answers)} of {count} are answered"
        answers += [plug.recv(4096) for plug in answered]
        waiting -= set(answered)
    return answers


def test_many_who_send_slowly_hold_no_more_than_there_is_room_for(
    served: tuple[Process, int],
) -> None:
    """Those who have been at it for the longest are told to come again; an order is taken."""
    process, port = served
    head = b"POST /images HTTP/1.1\r\nHost: images.test\r\nContent-Length: 1000000\r\n\r\n"
    httpx.get(f"http://127.0.0.1:{port}/livez")
    held = forget_peak(process.pid)
    with ExitStack() as stack:
        writers = [stack.enter_context(_connect(port)) for _ in range(_WRITERS)]
        for writer in writers:
            writer.sendall(head + b" " * _PIECE_BYTES)
        order = {"prompt": "praia", "size": "256x256"}
        taken = httpx.post(
            f"http://127.0.0.1:{port}/images",
            json=order,
            headers={"Prefer": "respond-async"},
            timeout=_PATIENCE_S,
        )
        grown = peak_bytes(process.pid) - held
        answers = _answers(writers, _GIVEN_UP)
    assert taken.status_code == 202
    assert grown < _MOST_GROWN_BYTES, f"{grown / 1e6:.0f} MB for {_WRITERS} writers"
    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
    assert all(b"retry-after: 5\r\n" in answer.lower() for answer in answers)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"POST /images HTTP/1.1\r\n", b"<title>400 Bad Request</title>"),
        (b"POST /images HTTP/1.1\r\nPrefer: respond-async\r\n", b'"code":"ambiguous"'),
        (b"POST /v1/images/generations HTTP/1.1\r\n", b'"code":"ambiguous_request"'),
        (b"GET /images HTTP/1.1\r\n", b"<title>400 Bad Request</title>"),
    ],
    ids=["order", "job", "openai", "list"],
)
@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 44\r\n",
    ],
    ids=["shorter", "longer"],
)
def test_a_request_that_ends_in_two_places_is_refused_and_nothing_behind_it_is_read(
    served: tuple[Process, int], head: bytes, says: bytes, framing: bytes
) -> None:
    _, port = served
    with _connect(port) as plug:
        plug.sendall(
            head
            + b"Host: images.test\r\nContent-Type: application/json\r\n"
            + framing
            + b"\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: images.test\r\n\r\n"
        )
        answers = b""
        while piece := plug.recv(65536):
            answers += piece
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"400"]
    assert says in answers
    assert b"connection: close\r\n" in answers.lower()


def test_chunks_in_a_version_that_has_none_are_refused(served: tuple[Process, int]) -> None:
    _, port = served
    with _connect(port) as plug:
        plug.sendall(
            b"POST /images HTTP/1.0\r\nHost: images.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n\r\n"
        )
        assert plug.recv(65536).startswith(b"HTTP/1.1 400 ")
