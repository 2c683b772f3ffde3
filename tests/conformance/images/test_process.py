"""The real process: it starts, says so, and stops when told to."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.processes import running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_with_code_0(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "image_service", "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder=tmp_path) as process:
        started = process.wait_for_line(r"image_service: listening on http://127\.0\.0\.1:\d+ .*")
        assert (process.stop(number), process.stderr) == (0, [started[0]])


def test_customers_without_a_request_take_no_descriptor_that_others_need(tmp_path: Path) -> None:
    """Without any left, asyncio writes ten thousand lines a second, and nothing can be made."""
    limited = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh"]
    command = [*limited, sys.executable, "-m", "image_service", "--port", "0"]
    with running(command, folder=tmp_path) as process, contextlib.ExitStack() as idle:
        [url] = process.wait_for_line(r"image_service: listening on (http://\S+) .*").groups()
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(400):
            plug = idle.enter_context(socket.create_connection(address, timeout=10))
            plug.sendall(b"GET /livez HTTP/1.1\r\nHost: images.test\r\n")
        order = {"prompt": "praia", "size": "256x256"}
        assert httpx.post(f"{url}/images", json=order, timeout=10).json()["status"] == "pronta"
        process.stop(signal.SIGTERM)
        said = [line for line in process.stderr if "listening" not in line]
    assert len(said) == 1
    assert "connections_full most=28" in said[0]
