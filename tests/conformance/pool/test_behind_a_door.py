"""Several addresses, as customers of the gateway meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Backend
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage, shop
from tests.conformance.pool.asked import ANSWER, head_of
from tests.conformance.pool.conftest import NewOrigin, at

_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"
_LAST_ANSWER = ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.fixture
async def stage(new_origin: NewOrigin) -> AsyncIterator[Stage]:
    """A door before one address that hangs up on every request, and one that serves."""
    deaf, well = new_origin(), new_origin()
    stage = Stage(shop(Backend(name="legacy", addresses=at(deaf, well))))
    await stage.open()
    serving = [spawn(_serve(well, _LAST_ANSWER), "well"), spawn(_serve(deaf, b""), "deaf")]
    yield stage
    for one in serving:
        one.cancel()
    await stage.close()


async def _serve(origin: Origin, answer: bytes) -> None:
    while True:
        backend = await origin.accept()
        await head_of(backend)
        if answer:
            await backend.send(answer)
        backend.reset()


async def _ask(stage: Stage) -> bytes:
    customer = await stage.ask(_POST)
    status = await customer.read_until(b"\r\n")
    customer.close()
    return status


async def test_an_address_that_hangs_up_on_every_request_costs_three_and_no_more(
    stage: Stage,
) -> None:
    """Each of the three had been sent, so that it could not be repeated elsewhere."""
    statuses = [await _ask(stage) for _ in range(40)]
    assert statuses.count(b"HTTP/1.1 502 Bad Gateway\r\n") == 3
    assert statuses[-20:] == [b"HTTP/1.1 200 OK\r\n"] * 20
