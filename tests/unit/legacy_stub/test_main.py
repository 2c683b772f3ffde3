"""Starting fails with one line on stderr and exit code 1."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from legacy_stub.__main__ import listen, main
from legacy_stub.errors import StartError


def _line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that was said."""
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("legacy_stub: ")
    return said.err


def test_a_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "eighty"]) == 1
    assert "LEGACY_PORT: 'eighty' is not a whole number" in _line(capsys)


def test_a_wrong_variable_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGACY_WORKERS", "many")
    assert main([]) == 1
    assert "LEGACY_WORKERS" in _line(capsys)


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var").write_text("a file, not a folder")
    monkeypatch.setenv("LEGACY_DATABASE_URL", f"sqlite:///{tmp_path}/var/legacy.db")
    assert main([]) == 1
    assert f"{tmp_path}/var/legacy.db" in _line(capsys)


@pytest.mark.parametrize("host", ["256.0.0.1", "192.0.2.1", "2001:db8::1", "x" * 70])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(StartError) as caught:
        listen(host, 0)
    assert str(caught.value).startswith(f"address {host}:0: cannot listen there")
    assert "\n" not in str(caught.value)


def test_the_flag_wins_over_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The flag names a taken port, the variable a free one."""
    monkeypatch.setenv("LEGACY_PORT", "0")
    monkeypatch.setenv("LEGACY_DATABASE_URL", f"sqlite:///{tmp_path}/legacy.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"127.0.0.1:{port}" in _line(capsys)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Without TCP_NODELAY every kept-alive answer takes 40 ms more."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
