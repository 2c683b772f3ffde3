"""The composition root: what `figueira serve` says when a port cannot be had, and the ASGI app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from gateway.app import app, serve, url_of
from gateway.control.servers import listen
from gateway.errors import ConfigError, StartError
from gateway.settings import Settings
from tests.support import flippable


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A good routes.yaml."""
    return flippable.write(tmp_path)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "Cannot assign requested address; give an address of this machine"),
        ("a..b", "give an address of this machine"),
        ("nowhere.invalid", "give an address of this machine"),
        ("x" * 300, "give an address of this machine"),
    ],
)
@pytest.mark.parametrize("whose", ["customers'", "admin"])
def test_a_host_that_is_not_here_is_one_line(config: Path, host: str, why: str, whose: str) -> None:
    hosts = {"host" if whose == "customers'" else "admin_host": host}
    with pytest.raises(StartError) as raised:
        serve(Settings(config=config, port=0, admin_port=0, access_log="off", **hosts))  # type: ignore[arg-type]  # two texts
    said = str(raised.value)
    assert said.startswith(f"{whose} port {host}:0: ")
    assert said.endswith(why)
    assert "while attempting" not in said
    assert "\n" not in said


def test_a_busy_port_says_whose_it_is(config: Path) -> None:
    with listen("127.0.0.1", 0) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(StartError) as raised:
            serve(Settings(config=config, port=port, access_log="off"))
    assert str(raised.value) == (
        f"customers' port 127.0.0.1:{port}: Address already in use; "
        "stop what uses it or choose another"
    )


def test_a_bad_file_is_found_before_anything_is_started(config: Path) -> None:
    config.write_text("")
    with listen("127.0.0.1", 0) as busy, pytest.raises(ConfigError):
        serve(Settings(config=config, port=busy.getsockname()[1], access_log="off"))


def test_a_url_has_its_ipv6_address_in_brackets() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    if socket.has_dualstack_ipv6():
        with listen("::1", 0) as listener:
            assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


class Server:
    """As much of an ASGI server as one request takes."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.changed = asyncio.Event()
        self._to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    def tell(self, **message: Any) -> None:
        """Send the application an event."""
        self._to_app.put_nowait(message)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take an event of the application."""
        self.sent.append(message)
        self.changed.set()

    async def run(self, scope: MutableMapping[str, Any]) -> None:
        """Run the application until it is done."""
        async with asyncio.timeout(5):
            await app(scope, self._to_app.get, self.send)


async def test_any_asgi_server_can_run_the_gateway(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no page of its own, and refuses what only the direct door can pass on."""
    monkeypatch.setenv("FIGUEIRA_CONFIG", str(config))
    monkeypatch.setenv("FIGUEIRA_ACCESS_LOG", "off")
    lifespan, http, websocket = Server(), Server(), Server()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(lifespan.run({"type": "lifespan", "app": app, "state": {}}))
        lifespan.tell(type="lifespan.startup")
        await lifespan.changed.wait()
        assert lifespan.sent == [{"type": "lifespan.startup.complete"}]
        scope = {"path": "/docs", "raw_path": b"/docs", "query_string": b"", "headers": []}
        http.tell(type="http.request", body=b"", more_body=False)
        host = [(b"host", b"shop.test")]
        await http.run(
            scope | {"type": "http", "method": "GET", "http_version": "1.1", "headers": host}
        )
        assert http.sent[0]["status"] == 502
        websocket.tell(type="websocket.connect")
        await websocket.run(scope | {"type": "websocket"})
        assert websocket.sent == [{"type": "websocket.close", "code": 1003}]
        lifespan.tell(type="lifespan.shutdown")
    assert lifespan.sent[-1] == {"type": "lifespan.shutdown.complete"}


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("FIGUEIRA_PORT", "eighty", "FIGUEIRA_PORT: 'eighty' is not a whole number from 0 to"),
        ("FIGUEIRA_CONFIG", "/nowhere.yaml", "/nowhere.yaml: error: cannot read the file: No such"),
    ],
)
async def test_under_an_asgi_server_what_keeps_it_from_starting_is_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    """Told to the server, which says it and ends; no traceback."""
    monkeypatch.setenv(variable, value)
    lifespan = Server()
    lifespan.tell(type="lifespan.startup")
    await lifespan.run({"type": "lifespan", "app": app, "state": {}})
    [told] = lifespan.sent
    assert told["type"] == "lifespan.startup.failed"
    assert told["message"].startswith(f"figueira: error: {why}")
    assert "\n" not in told["message"]
