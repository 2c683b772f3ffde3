"""The process: how it starts, fails and stops."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from image_service.__main__ import main
from image_service.serving import listen


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_folder")
def test_a_busy_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"image_service: address 127.0.0.1:{port}: it cannot be listened on (Address already in "
        "use); stop who holds it, or choose another with --host and --port "
        "(IMAGE_HOST, IMAGE_PORT)\n"
    )


@pytest.mark.usefixtures("in_folder")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "99999"], "IMAGE_PORT: '99999' is not a whole number"),
        (["--port", "0", "--host", "no such host"], "address no such host:0"),
        (["--port", "0", "--host", "203.0.113.1"], "address 203.0.113.1:0"),
    ],
)
def test_a_wrong_flag_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"image_service: {says}")
    assert error.count("\n") == 1


@pytest.mark.usefixtures("in_folder")
def test_an_unreachable_database_is_one_clear_line_without_its_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        free = holder.getsockname()[1]
    url = f"postgresql+asyncpg://shop:hunter2@127.0.0.1:{free}/shop"
    monkeypatch.setenv("IMAGE_DATABASE_URL", url)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main(["--port", "0"]) == 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    error = capsys.readouterr().err
    assert "the database cannot be used" in error
    assert "hunter2" not in error
    assert error.count("\n") == 1


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Without TCP_NODELAY every kept-alive answer takes 40 ms more."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
