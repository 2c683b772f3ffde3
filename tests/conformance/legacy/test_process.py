"""The monolith as an operator meets it: start, stop, and what it says when it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conformance.legacy.process import Monolith, running
from tests.support.processes import PATIENCE_S

pytestmark = pytest.mark.e2e

ORDER = b'{"prompt":"uma praia","size":"256x256"}'
POST = (
    b"POST /images HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ORDER), ORDER)
)
LIST = b"GET /images HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"


def _order_in_a_thread(monolith: Monolith) -> tuple[threading.Thread, list[bytes]]:
    """Start an image order; return once its row is there, the order itself still under way."""
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(monolith.exchange(POST)))
    thread.start()
    while b"pendente" not in monolith.exchange(LIST):
        assert thread.is_alive(), answers
    return thread, answers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_order_under_way_finish_and_exits_0(
    number: signal.Signals, tmp_path: Path
) -> None:
    """The customer who waits gets the picture's record, and the process says nothing more."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="0.5") as monolith:
        thread, answers = _order_in_a_thread(monolith)
        assert monolith.stop(number) == 0
        thread.join(PATIENCE_S)
    head, _, body = answers[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["status"] == "pronta"
    assert monolith.log == []


def test_a_crash_leaves_the_order_pendente_for_ever(tmp_path: Path) -> None:
    """The row is committed before the drawing, and nobody ever takes it up again."""
    with running(tmp_path, LEGACY_IMAGE_DELAY="60") as monolith:
        thread, _ = _order_in_a_thread(monolith)
        monolith.process.kill()
        thread.join(PATIENCE_S)
    with running(tmp_path) as monolith:
        _, _, body = monolith.exchange(LIST).partition(b"\r\n\r\n")
        assert [image["status"] for image in json.loads(body)] == ["pendente"]


def test_a_busy_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    """No traceback: the line names the address, what is wrong and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "legacy_stub", "--port", str(port)],
            env={"LEGACY_DATABASE_URL": f"sqlite:///{tmp_path}/legacy.db"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"legacy_stub: address 127.0.0.1:{port}: cannot listen there")
    assert "--port" in ended.stderr
