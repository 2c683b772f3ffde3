"""The same over TLS: what is shown, and what becomes of those with whom it does not come about."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.control import accepting
from gateway.control.certificate import Certificate
from tests.conformance.processes.port import Port, greeting, taking
from tests.support.authority import Authority, names_in
from tests.support.waiting import until


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop, whose way to take over a connection this is about."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Issues certificates."""
    return Authority(tmp_path)


class Shown:
    """A customer over TLS, whose greeting has come."""

    def __init__(self, writer: asyncio.StreamWriter, said: bytes) -> None:
        self.said = said
        self.names = names_in(writer.get_extra_info("ssl_object"))
        self.writer = writer


async def shown(port: Port, trust: ssl.SSLContext) -> Shown:
    """Connect over TLS and read the greeting."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*port.address, ssl=trust)
        return Shown(writer, await reader.readexactly(1))


async def leave(*customers: Shown) -> None:
    """Close."""
    for customer in customers:
        customer.writer.close()
        await customer.writer.wait_closed()


async def test_over_tls_a_new_certificate_is_for_new_connections(
    make_port: Callable[..., Port], authority: Authority
) -> None:
    """Those that are open go on."""
    pair = authority.issue("old")
    certificate = Certificate(pair.certificate, pair.key)
    port = make_port()
    acceptor = port.acceptor(tls=lambda: certificate.context)
    with taking(acceptor):
        before = await shown(port, authority.trusting())
        pair.take_over(authority.issue("new"))
        assert certificate.renew()
        after = await shown(port, authority.trusting())
        assert (before.names, after.names) == ({"old.test"}, {"new.test"})
        door = next(iter(acceptor.connections))
        door.transport.write(b"still here")
        await leave(before, after)
        await until(lambda: acceptor.open_connections == 0)


@pytest.mark.parametrize("what", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""])
async def test_who_speaks_no_tls_is_left_and_not_counted_any_more(
    make_port: Callable[..., Port],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    what: bytes,
) -> None:
    """Also who says nothing, or half of something, and only waits."""
    monkeypatch.setattr(accepting, "_HANDSHAKE_PATIENCE_S", 0.05)
    pair = authority.issue("good")
    certificate = Certificate(pair.certificate, pair.key)
    port = make_port()
    acceptor = port.acceptor(limit=1, tls=lambda: certificate.context)
    with taking(acceptor):
        plain = port.connect()
        plain.send(what)
        # Full with the first, it takes the next one only when that is gone.
        customer = await shown(port, authority.trusting())
        assert customer.said == b"a"
        with suppress(ConnectionResetError):
            assert await greeting(plain) == b""
        await leave(customer)
        await until(lambda: acceptor.open_connections == 0)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handshakes take no time here."""
    monkeypatch.setattr(accepting, "_HANDSHAKE_PATIENCE_S", 0.05)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("what", "cause"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "plain_http"),
        (b"neither HTTP nor TLS", "protocol"),
        (b"\x16\x03\x01", "timeout"),
        (None, "closed"),
    ],
)
async def test_tls_that_did_not_come_about_is_counted_and_said_once(
    make_port: Callable[..., Port],
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
    what: bytes | None,
    cause: str,
) -> None:
    """Who only looks if the port is open is counted and not spoken of."""
    caplog.set_level(logging.INFO, "figueira")
    logging.getLogger("figueira").propagate = True
    pair = authority.issue("good")
    certificate = Certificate(pair.certificate, pair.key)
    port = make_port()
    acceptor = port.acceptor(tls=lambda: certificate.context)
    with taking(acceptor):
        for count in (1, 2):
            customer = port.connect()
            if what is None:
                customer.close()
            else:
                customer.send(what)
            await until(lambda n=count: acceptor.arrivals().handshakes_failed == {cause: n})  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    said = [f"tls_handshake_failed cause={cause} client=127.0.0.1 count=1"]
    assert caplog.messages == (said if what else [])


async def test_a_customer_who_does_not_trust_the_certificate_is_counted_as_such(
    make_port: Callable[..., Port], authority: Authority
) -> None:
    """What an operator should hear of when a chain is incomplete."""
    pair = authority.issue("good")
    certificate = Certificate(pair.certificate, pair.key)
    port = make_port()
    acceptor = port.acceptor(tls=lambda: certificate.context)

    def meet() -> None:
        stranger = ssl.create_default_context()
        with socket.create_connection(port.address) as plain:
            stranger.wrap_socket(plain, server_hostname="127.0.0.1")

    with taking(acceptor):
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(meet)
        await until(lambda: acceptor.arrivals().handshakes_failed == {"refused_by_client": 1})


async def test_a_stop_ends_handshakes_at_once(
    make_port: Callable[..., Port], authority: Authority
) -> None:
    """They have asked for nothing; who has is left to its door."""
    pair = authority.issue("good")
    certificate = Certificate(pair.certificate, pair.key)
    port = make_port()
    acceptor = port.acceptor(tls=lambda: certificate.context)
    with taking(acceptor):
        served = await shown(port, authority.trusting())
        plain = port.connect()
        await until(lambda: acceptor.open_connections == 2)
    assert await greeting(plain) == b""
    assert len(acceptor.connections) == 1
    await leave(served)
