"""Connections taken from one socket by several acceptors, on the event loop of production."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import struct
import time
from collections.abc import Callable

import pytest

from gateway.control import accepting
from gateway.control.accepting import PATIENCE_S
from gateway.telemetry.arrivals import Arrivals
from tests.conformance.processes.port import Port, greeting, taking
from tests.support.waiting import until

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop, whose way to take over a connection this is about."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is ahead lets others go first for as long as a busy machine may need for them."""
    monkeypatch.setattr(accepting, "PATIENCE_S", 0.5)


@pytest.mark.usefixtures("unhurried")
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


@pytest.mark.usefixtures("unhurried")
async def test_customers_one_at_a_time_go_to_all(make_port: Callable[..., Port]) -> None:
    """Nobody has a connection open whenever the next one comes."""
    port = make_port(2)
    first, second = port.acceptor(0), port.acceptor(1)
    with taking(first, second):
        greetings = []
        for _ in range(100):
            customer = port.connect()
            greetings.append(await greeting(customer))
            customer.close()
            await until(lambda: first.open_connections + second.open_connections == 0)
    assert 30 <= greetings.count(b"a") <= 70


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
