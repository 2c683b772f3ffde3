"""Clients that order large pictures and do not read them: the service holds none of them."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest

from tests.support.fake_openai import FakeOpenAI
from tests.support.peak_memory import forget_peak, peak_bytes
from tests.support.processes import Process, environment, running

_CLIENTS = 60
_NEW_CLIENTS = 10
# 10 pictures of 3.1 MB each: 42 MB as base64.
_COUNT = 10
_ANSWER_BYTES = 42_000_000
# Of all clients together: what lies in buffers, and one piece of one picture for each.
_MOST_GROWN_BYTES = 120_000_000
_PATIENCE_S = 60.0
_Format = Literal["png", "jpeg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service in a process of its own."""

    process: Process
    port: int


@pytest.fixture
def served(fake: FakeOpenAI, tmp_path: Path) -> Iterator[Served]:
    """A service that buys from the fake."""
    settings = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/images.db",
        "IMAGE_BLOB_URL": f"{tmp_path}/blobs",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": fake.url,
    }
    command = [sys.executable, "-m", "image_service", "--port", "0"]
    with running(command, folder=tmp_path, environ=environment(**settings)) as process:
        line = process.wait_for_line(r"image_service: listening on http://127\.0\.0\.1:(\d+) .*")
        yield Served(process=process, port=int(line[1]))


def _body(count: int, **more: object) -> dict[str, object]:
    return {"prompt": "marker=m1 fault=noise", "n": count, "size": "1024x1024", **more}


def _ask_and_do_not_read(port: int, body: dict[str, object], key: str) -> socket.socket:
    """Ask over a socket that takes a few bytes alone."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(_PATIENCE_S)
    client.connect(("127.0.0.1", port))
    # As httpx writes it: under one key the bodies have to be the same.
    content = json.dumps(body, separators=(",", ":")).encode()
    head = (
        "POST /v1/images/generations HTTP/1.1\r\nHost: images.test\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    client.sendall(head.encode() + content)
    return client


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "stream"])
def test_replays_that_nobody_reads_take_no_memory(
    served: Served, fake: FakeOpenAI, output_format: _Format, *, is_streamed: bool
) -> None:
    count = 1 if is_streamed else _COUNT
    body = _body(count, output_format=output_format, stream=is_streamed)
    url = f"http://127.0.0.1:{served.port}/v1/images/generations"
    first = httpx.post(url, json=body, headers={"Idempotency-Key": "a"}, timeout=_PATIENCE_S)
    assert first.status_code == 200
    assert len(first.content) > _ANSWER_BYTES * count / _COUNT / 8
    held = forget_peak(served.process.pid)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(_ask_and_do_not_read(served.port, body, "a"))
            for _ in range(_CLIENTS)
        ]
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
        # And one that reads gets all of it, meanwhile.
        last = httpx.post(url, json=body, headers={"Idempotency-Key": "a"}, timeout=_PATIENCE_S)
        assert len(last.content) == len(first.content)
        grown = peak_bytes(served.process.pid) - held
    assert grown < _MOST_GROWN_BYTES, f"{grown / 1e6:.0f} MB for {_CLIENTS} clients"
    assert fake.purchases() == {"m1": count}


def test_new_orders_that_nobody_reads_take_no_more_than_painting_does(
    served: Served, fake: FakeOpenAI
) -> None:
    """As many pictures as are made at once are in memory, however many have been made."""
    body = _body(_COUNT)
    url = f"http://127.0.0.1:{served.port}/v1/images/generations"
    assert httpx.post(url, json=body, timeout=_PATIENCE_S).status_code == 200
    held = forget_peak(served.process.pid)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(_ask_and_do_not_read(served.port, body, f"key-{number}"))
            for number in range(_NEW_CLIENTS)
        ]
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
        grown = peak_bytes(served.process.pid) - held
    assert grown < _MOST_GROWN_BYTES, f"{grown / 1e6:.0f} MB for {_NEW_CLIENTS} clients"
    assert fake.purchases() == {"m1": _COUNT * (_NEW_CLIENTS + 1)}


def test_an_answer_says_how_long_it_is_and_holds_the_pictures_that_are_kept(
    served: Served, fake: FakeOpenAI
) -> None:
    answer = httpx.post(
        f"http://127.0.0.1:{served.port}/v1/images/generations",
        json=_body(2, response_format="b64_json"),
        timeout=_PATIENCE_S,
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.content))
    said = answer.json()
    assert set(said) == {
        *("created", "data", "background", "output_format", "size", "usage"),
    }
    base = f"http://127.0.0.1:{served.port}/images/blobs"
    for datum in said["data"]:
        content = base64.b64decode(datum["b64_json"], validate=True)
        assert httpx.get(f"{base}/{hashlib.sha256(content).hexdigest()}").content == content
    assert fake.purchases() == {"m1": 2}
