"""Connections taken from one socket by several acceptors, on the event loop of production."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import cast

import pytest

from gateway.control import accepting
from gateway.control.accepting import PATIENCE_S, Acceptor
from gateway.control.balance import Balance
from gateway.control.certificate import Certificate
from gateway.control.servers import listen
from gateway.telemetry.arrivals import Arrivals
from tests.support.authority import Authority, names_in
from tests.support.waiting import until

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop, whose way to take over a connection this is about."""
    return "asyncio", {"use_uvloop": True}


class Door(asyncio.Protocol):
    """Says its acceptor's name, and keeps the acceptor's book as uvicorn's protocols do."""

    def __init__(self, acceptor: Acceptor, name: bytes) -> None:
        self._acceptor = acceptor
        self._name = name
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = cast("asyncio.Transport", transport)
        self._acceptor.connections.add(self)
        self.transport.write(self._name)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone either way
        """Leave the book."""
        self._acceptor.connections.discard(self)


class Port:
    """A port that several acceptors share, as workers do."""

    def __init__(self, workers: int = 1) -> None:
        self.balance = Balance(workers)
        self._listener = listen("127.0.0.1", 0)
        self.address = self._listener.getsockname()
        self._customers: list[socket.socket] = []
        self._acceptors: list[Acceptor] = []

    def acceptor(
        self, index: int = 0, *, limit: int = 1000, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> Acceptor:
        """One more acceptor."""
        place = self.balance.place(index)
        self._acceptors.append(Acceptor(self._listener.dup(), place, limit=limit, tls=tls))
        return self._acceptors[-1]

    def connect(self) -> socket.socket:
        """One more customer, who has connected as far as the kernel goes."""
        customer = socket.create_connection(self.address)
        customer.setblocking(False)
        self._customers.append(customer)
        return customer

    async def close(self) -> None:
        """Everybody leaves."""
        self._listener.close()
        for customer in self._customers:
            customer.close()
        for acceptor in self._acceptors:
            for door in acceptor.connections:
                door.transport.abort()
        await until(lambda: not any(acceptor.connections for acceptor in self._acceptors))


@pytest.fixture
async def make_port() -> AsyncIterator[Callable[..., Port]]:
    """Opens ports that are closed in the end."""
    ports: list[Port] = []

    def make(workers: int = 1) -> Port:
        ports.append(Port(workers))
        return ports[-1]

    yield make
    for port in ports:
        await port.close()


@contextmanager
def taking(*acceptors: Acceptor) -> Iterator[None]:
    """Let acceptors take connections while the block runs; they are named a, b, and so on."""
    with ExitStack() as stack:
        for number, acceptor in enumerate(acceptors):
            name = b"abcdef"[number : number + 1]
            stack.enter_context(acceptor.open(lambda a=acceptor, n=name: Door(a, n)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        yield


async def greeting(customer: socket.socket) -> bytes:
    """What a customer is sent first."""
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(customer, 100)


async def test_each_takes_the_same_share_of_a_burst(make_port: Callable[..., Port]) -> None:
    port = make_port(2)
    first, second = port.acceptor(0), port.acceptor(1)
    with taking(first, second):
        customers = [port.connect() for _ in range(100)]
        greetings = [await greeting(customer) for customer in customers]
        assert first.open_connections + second.open_connections == 100
        assert abs(greetings.count(b"a") - greetings.count(b"b")) <= 8


async def test_whoever_lost_its_customers_gets_the_next(make_port: Callable[..., Port]) -> None:
    """As a worker that was replaced does."""
    port = make_port(2)
    first, second = port.acceptor(0), port.acceptor(1)
    with taking(first):
        port.balance.place(1).leave()
        for _ in range(20):
            assert await greeting(port.connect()) == b"a"
        with taking(second):
            greetings = [await greeting(port.connect()) for _ in range(20)]
    assert greetings == [b"a"] * 20  # the name is its own block's
    assert second.open_connections == 20


async def test_customers_one_at_a_time_go_to_all(make_port: Callable[..., Port]) -> None:
    """Nobody has a connection open whenever the next one comes."""
    port = make_port(2)
    first, second = port.acceptor(0), port.acceptor(1)
    with taking(first, second):
        greetings = []
        for _ in range(40):
            customer = port.connect()
            greetings.append(await greeting(customer))
            customer.close()
            await until(lambda: first.open_connections + second.open_connections == 0)
    assert 12 <= greetings.count(b"a") <= 28


async def test_a_worker_that_hangs_starves_nobody(make_port: Callable[..., Port]) -> None:
    """It looks idle for ever: the other waits for it a little each time, less in a burst."""
    port = make_port(2)
    port.balance.place(1).show(0)
    acceptor = port.acceptor(0)
    with taking(acceptor):
        began_s = asyncio.get_running_loop().time()
        for _ in range(10):
            assert await greeting(port.connect()) == b"a"
        burst = [port.connect() for _ in range(200)]
        for customer in burst:
            assert await greeting(customer) == b"a"
        # Ten waits, one burst that costs two more, and room for a machine that is busy.
        took_s = asyncio.get_running_loop().time() - began_s
        assert took_s < 12 * PATIENCE_S + 1.0


async def test_a_full_worker_leaves_connections_to_wait(make_port: Callable[..., Port]) -> None:
    """One that ends makes room for one that waits."""
    port = make_port()
    acceptor = port.acceptor(limit=2)
    with taking(acceptor):
        first, second, third, fourth = (port.connect() for _ in range(4))
        assert await greeting(first) + await greeting(second) == b"aa"
        assert acceptor.open_connections == 2
        for leaving, waiting in ((first, third), (third, fourth)):
            with pytest.raises(BlockingIOError):
                waiting.recv(1)
            leaving.close()
            assert await greeting(waiting) == b"a"
            assert acceptor.open_connections == 2


async def test_a_full_worker_says_so_once_and_counts_the_time(
    make_port: Callable[..., Port], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else would tell that customers wait; coming and going at the limit is no news."""
    logging.getLogger("figueira").propagate = True
    port = make_port()
    acceptor = port.acceptor(limit=2)
    with taking(acceptor):
        assert await greeting(port.connect()) == b"a"
        assert acceptor.arrivals() == Arrivals(limit=2)
        for _ in range(3):
            customer = port.connect()
            assert await greeting(customer) == b"a"
            full = acceptor.arrivals()
            assert (full.limit, full.full) == (2, 1)
            await until(lambda before=full: acceptor.arrivals().full_s > before.full_s)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            customer.close()
            await until(lambda: acceptor.arrivals().full == 0)
            assert acceptor.arrivals().full_s > full.full_s
    assert caplog.messages == ["connections_full limit=2"]


async def test_nobody_waits_for_a_full_worker(make_port: Callable[..., Port]) -> None:
    port = make_port(2)
    full, other = port.acceptor(0, limit=1), port.acceptor(1)
    with taking(full):
        assert await greeting(port.connect()) == b"a"
        assert port.balance.place(1).rival().connections == -1
        with taking(other):
            for _ in range(10):
                assert await greeting(port.connect()) == b"a"
    assert (full.open_connections, other.open_connections) == (1, 10)


async def test_a_worker_without_descriptors_neither_spins_nor_gives_up(
    make_port: Callable[..., Port], caplog: pytest.LogCaptureFixture
) -> None:
    """Said once; what waited is served when there are some again."""
    logging.getLogger("figueira").propagate = True
    port = make_port()
    acceptor = port.acceptor()
    with taking(acceptor):
        assert await greeting(port.connect()) == b"a"
        customer = port.connect()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Lower than any that is free: whoever wants one more gets none.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            await until(lambda: bool(caplog.records))
            used_s = time.process_time()
            await asyncio.sleep(3 * accepting._REST_S)
            assert time.process_time() - used_s < accepting._REST_S
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert await greeting(customer) == b"a"
    why = os.strerror(errno.EMFILE)
    assert caplog.messages == [f'accept_failed why="{why}" open=1']


async def test_a_customer_who_is_gone_before_it_is_taken_costs_nothing(
    make_port: Callable[..., Port],
) -> None:
    port = make_port()
    acceptor = port.acceptor()
    gone = port.connect()
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    gone.close()
    with taking(acceptor):
        assert await greeting(port.connect()) == b"a"
        await until(lambda: acceptor.open_connections == 1)


async def test_when_it_stops_nothing_is_taken_and_nobody_waits(
    make_port: Callable[..., Port],
) -> None:
    """What was taken goes on; what waits is left to the other workers."""
    port = make_port(2)
    acceptor = port.acceptor(0)
    with taking(acceptor):
        assert await greeting(port.connect()) == b"a"
    late = port.connect()
    assert port.balance.place(1).rival().connections == -1
    other = port.acceptor(1)
    with taking(other):
        assert await greeting(late) == b"a"
    assert (acceptor.open_connections, other.open_connections) == (1, 1)
    assert len(acceptor.connections) == 1


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
