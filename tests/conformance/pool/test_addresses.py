"""Several addresses: shared out evenly, left out when they fail, taken in when they are well."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from gateway.errors import UpstreamError
from gateway.proxy import dialling
from gateway.proxy.pool import Pool
from gateway.proxy.transport import PoolTransport
from gateway.routing.snapshot import Address, Timeouts
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.wire import settle, until
from tests.conformance.pool.asked import ANSWER, head_of
from tests.conformance.pool.conftest import NewOrigin, OpenPool, at
from tests.conformance.pool.errand import Errand, answer_all, run_errand

_LAST_ANSWER = ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
Serve = Callable[[Origin], Awaitable[None]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Take an origin's place: a server at its address that answers everything."""
    servers: list[asyncio.Server] = []

    async def at_place_of(origin: Origin) -> None:
        origin.close()
        servers.append(await asyncio.start_server(answer_all, "127.0.0.1", origin.port))

    yield at_place_of
    for server in servers:
        server.close()


async def _serve_once(origin: Origin, answer: bytes) -> Backend:
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(answer)
    return backend


def _ejected(pool: Pool) -> list[bool]:
    return [report.is_ejected for report in pool.report()]


async def test_requests_are_shared_out_by_how_busy_each_address_is(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    """With two addresses both are compared each time: neither gets two more than the other."""
    one, other = new_origin(), new_origin()
    pool = open_pool(one, other)
    for _ in range(20):
        pool.acquire(Errand())
    await until(lambda: len(pool._address_of) == 20)
    assert [report.in_use for report in pool.report()] == [10, 10]


async def test_a_slow_address_gets_fewer_requests(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve
) -> None:
    slow, fast = new_origin(), new_origin()
    await serve(fast)
    pool = open_pool(slow, fast)
    errands = [Errand() for _ in range(40)]
    for errand in errands:
        pool.acquire(errand)
        await settle()
    assert sum(errand.is_over for errand in errands) >= 35
    assert pool.report()[0].in_use <= 5


async def test_each_address_has_its_warmest_connection_used_first(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve
) -> None:
    one, other = new_origin(), new_origin()
    await serve(one)
    await serve(other)
    pool = open_pool(one, other)
    for _ in range(50):
        assert await run_errand(pool) == 200
    assert pool.open_connections == 2
    assert [report.idle for report in pool.report()] == [1, 1]


async def test_a_request_that_cannot_connect_tries_the_next_address(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve
) -> None:
    """A POST as well: nothing has been sent."""
    down, well = new_origin(), new_origin()
    down.close()
    await serve(well)
    pool = open_pool(down, well)
    async with httpx.AsyncClient(transport=PoolTransport(pool)) as client:
        for _ in range(20):
            response = await client.post("http://shop/", headers={"Connection": "close"})
            assert response.text == "ok"


async def test_an_address_that_fails_is_left_out_and_not_dialled_any_more(
    open_pool: OpenPool, new_origin: NewOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    down, well = new_origin(), new_origin()
    down.close()
    pool = open_pool(down, well)
    for _ in range(40):
        errand = Errand()
        pool.acquire(errand)
        await _serve_once(well, _LAST_ANSWER)
        await errand.end()
    assert _ejected(pool) == [True, False]
    assert pool.report()[0].failures == 3
    (message,) = caplog.messages
    assert message.startswith(f"address_ejected backend=legacy address=127.0.0.1:{down.port} why=")
    assert "Connection refused" in message or "Connect call failed" in message


async def test_an_address_that_is_well_again_is_taken_in_before_any_customer_asks_it(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    down, well = new_origin(), new_origin()
    down.close()
    await serve(well)
    pool = open_pool(down, well)
    await _use_until_ejected(pool)
    now_s = time.monotonic()
    pool.sweep(now_s + 1.1)
    await settle()
    assert _ejected(pool) == [True, False]
    await serve(down)
    pool.sweep(now_s + 2.2)
    assert _ejected(pool) == [True, False], "the second time is longer"
    pool.sweep(now_s + 3.3)
    await until(lambda: _ejected(pool) == [False, False])
    assert pool.report()[0].idle == 1
    assert caplog.messages[-1] == (
        f"address_readmitted backend=legacy address=127.0.0.1:{down.port}"
    )
    while pool.report()[0].failures:
        assert await run_errand(pool) == 200


async def _use_until_ejected(pool: Pool) -> None:
    while not any(_ejected(pool)):
        errands = [Errand() for _ in range(4)]
        for errand in errands:
            pool.acquire(errand)
        for errand in errands:
            assert await errand.end() == 200


async def test_an_address_comes_back_untried_where_there_is_no_room_to_try_it(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    """Else a busy pool would never use it again; a request that meets it down tries the next."""
    down, well = new_origin(), new_origin()
    down.close()
    pool = open_pool(down, well, max_connections=1)
    while not any(_ejected(pool)):
        errand = Errand()
        pool.acquire(errand)
        await _serve_once(well, _LAST_ANSWER)
        await errand.end()
        await until(lambda: pool.open_connections == 0)
    errand = Errand()
    pool.acquire(errand)
    await well.accept()
    pool.sweep(time.monotonic() + 1.1)
    assert _ejected(pool) == [False, False]
    assert pool.report()[0].failures == 2, "on probation"


async def test_where_all_are_left_out_all_are_tried(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve
) -> None:
    """The first that comes back serves at once, whatever time it had still been left out for."""
    one, other = new_origin(), new_origin()
    one.close()
    other.close()
    pool = open_pool(one, other)
    for _ in range(5):
        with pytest.raises(UpstreamError, match="refused at connect") as caught:
            await run_errand(pool)
        assert f":{one.port}: " in caught.value.detail
        assert f":{other.port}: " in caught.value.detail
    assert _ejected(pool) == [True, True]
    assert pool.open_connections == 0
    await serve(other)
    assert await run_errand(pool) == 200
    assert _ejected(pool) == [True, False]


async def test_no_request_waits_for_more_than_three_addresses(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    origins = [new_origin() for _ in range(5)]
    for origin in origins:
        origin.close()
    pool = open_pool(*origins)
    with pytest.raises(UpstreamError):
        await run_errand(pool)
    assert sum(report.failures for report in pool.report()) == 3


async def test_a_sole_address_is_never_left_out_though_it_is_said_to_fail(
    open_pool: OpenPool, origin: Origin, serve: Serve
) -> None:
    origin.close()
    pool = open_pool(origin)
    for _ in range(4):
        with pytest.raises(UpstreamError):
            await run_errand(pool)
    assert _ejected(pool) == [True]
    await serve(origin)
    assert await run_errand(pool) == 200
    assert _ejected(pool) == [False]


async def test_an_address_that_takes_requests_and_answers_none_is_left_out(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    """That connections can be made to it is no proof of health."""
    deaf, well = new_origin(), new_origin()
    pool = open_pool(deaf, well)
    while not _ejected(pool)[0]:
        errand = Errand()
        pool.acquire(errand)
        connection = await errand.connection_or_error()
        assert not isinstance(connection, UpstreamError)
        was_deaf = pool._address_of[connection].address.port == deaf.port  # type: ignore[index] # the pool's own kind
        pool.forget(connection, unanswered=was_deaf)  # type: ignore[arg-type] # the pool's own kind
        connection.abandon()
    assert pool.report()[0].failures == 3
    assert _ejected(pool) == [True, False]


async def test_connections_are_limited_over_all_addresses_together(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    """At the limit, a warm connection to either is better than waiting."""
    one, other = new_origin(), new_origin()
    pool = open_pool(one, other, max_connections=2)
    errands = [Errand() for _ in range(2)]
    for errand in errands:
        pool.acquire(errand)
    for origin in (one, other):
        await _serve_once(origin, ANSWER)
    for errand in errands:
        await errand.end()
    busy = Errand()
    pool.acquire(busy)
    next_errand = Errand()
    pool.acquire(next_errand)
    assert next_errand.connection is not None
    assert pool.open_connections == 2
    waiting = Errand()
    pool.acquire(waiting)
    assert waiting.connection is None


async def test_a_retry_gets_a_new_connection_even_where_there_is_no_room_for_one(
    open_pool: OpenPool, origin: Origin
) -> None:
    pool = open_pool(max_connections=1)
    first = Errand()
    pool.acquire(first)
    old = await _serve_once(origin, ANSWER)
    await first.end()
    retry = Errand()
    pool.acquire(retry, fresh=True)
    assert (await old.read_to_end()).data == b""
    await _serve_once(origin, ANSWER)
    assert await retry.end() == 200
    assert pool.open_connections == 1


async def test_a_waiting_request_takes_whatever_connection_comes_first(
    open_pool: OpenPool, new_origin: NewOrigin
) -> None:
    """One that is given back serves it, though another is still being made for it."""
    full = new_origin(backlog=0)
    blocker = socket.create_connection(("127.0.0.1", full.port))
    well = new_origin()
    pool = open_pool(well, timeouts=Timeouts(connect_s=0.3))
    first = Errand()
    pool.acquire(first)
    backend = await well.accept()
    await head_of(backend)
    pool._addresses._all[0].address = at(full)[0]
    second = Errand()
    pool.acquire(second)
    await settle()
    assert second.connection is None
    await backend.send(ANSWER)
    await head_of(backend)
    await backend.send(ANSWER)
    assert await second.end() == 200
    blocker.close()
    full.close()


async def test_a_host_that_resolves_to_several_addresses_is_tried_in_their_order(
    open_pool: OpenPool, new_origin: NewOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One refuses, one says nothing: the third is reached within the one connect timeout."""
    origin = new_origin()
    silent = socket.create_server(("127.0.0.3", origin.port), backlog=0)
    blocker = socket.create_connection(("127.0.0.3", origin.port))

    async def resolve(_address: Address) -> list[str]:
        return ["127.0.0.2", "127.0.0.3", "127.0.0.1"]

    monkeypatch.setattr(dialling, "_resolve", resolve)
    place = (Address(host="shop.test", port=origin.port),)
    pool = open_pool(addresses=place, timeouts=Timeouts(connect_s=0.4))
    errand = Errand()
    pool.acquire(errand)
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(ANSWER)
    assert await errand.end() == 200
    assert pool.report()[0].failures == 0
    blocker.close()
    silent.close()


async def test_idle_connections_to_every_address_end_in_time(
    open_pool: OpenPool, new_origin: NewOrigin, serve: Serve
) -> None:
    origins = [new_origin(), new_origin()]
    for origin in origins:
        await serve(origin)
    pool = open_pool(*origins)
    for _ in range(20):
        await run_errand(pool)
    now_s = time.monotonic()
    pool.sweep(now_s + 3.5)
    assert pool.open_connections == 2
    pool.sweep(now_s + 4.5)
    await until(lambda: pool.open_connections == 0)
