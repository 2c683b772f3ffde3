"""The command's way to the admin port, and whatever else may listen there."""

from __future__ import annotations

import os
import pwd
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.cli import admin as module
from gateway.cli.admin import Admin, AdminError, NobodyThereError, admin_url, os_user
from gateway.settings import Settings
from tests.support.processes import free_port


@contextmanager
def _answering(answer: bytes) -> Iterator[str]:
    """Somebody who says the same to everybody, once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def test_nobody_there_is_said_with_the_place() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NobodyThereError, match=f"^no gateway is running at {url}$"):
        Admin(url).reload()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"", "cannot ask the gateway at", id="closes"),
        pytest.param(b"220 mail.example ESMTP\r\n", "cannot ask the gateway at", id="mail"),
        pytest.param(_ok(b"<html>"), "is no gateway of this version", id="a web server"),
        pytest.param(_ok(b'{"revision": "7"}'), "is no gateway of this version", id="other types"),
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "says 404: it is no gateway, perhaps",
            id="an older gateway",
        ),
        pytest.param(
            b'HTTP/1.1 503 No\r\nContent-Length: 22\r\n\r\n{"detail": "no disk!"}',
            "says 503: no disk!",
            id="a fault",
        ),
    ],
)
def test_whatever_else_listens_there_is_no_traceback(answer: bytes, said: str) -> None:
    with _answering(answer) as url, pytest.raises(AdminError, match=said):
        Admin(url).reload()


def test_one_that_never_answers_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AdminError, match=r"gives no answer for 0\.05 s"):
            Admin(url).reload()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:9000"),  # noqa: S104 - not bound here
        ("::", "http://[::1]:9000"),
        ("fd00::7", "http://[fd00::7]:9000"),
        ("admin.internal", "http://admin.internal:9000"),
    ],
)
def test_the_admin_port_is_asked_where_the_gateway_listens(host: str, url: str) -> None:
    """A gateway that listens everywhere is asked on loopback."""
    assert admin_url(Settings(admin_host=host)) == url
    assert Admin(url).url == url


@pytest.mark.parametrize(
    "url", ["localhost:9000", "https://h:1", "http://", "http://u@h", "http://h/x", "none "]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"write http://HOST:PORT, or none$"):
        Admin(url)


def test_the_author_is_the_systems_user_whatever_variables_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, "somebody else")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert os_user() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "ana")
    assert os_user() == "ana (as root)"
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert os_user() == "uid 4000000"
