"""A list that two sides hold is one answer, or a refusal, and an exchange like any other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.proxy.merging import MOST_BYTES
from gateway.routing.protection import Breaker, SoftError
from gateway.routing.snapshot import (
    Backend,
    IdRange,
    Match,
    Merge,
    Owner,
    Route,
    Share,
    Snapshot,
    Timeouts,
    Trust,
)
from tests.conformance.doors.conftest import NewOrigin
from tests.conformance.doors.origin import Backend as Connected
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DIRECT, DOORS, Door
from tests.conformance.doors.stage import Stage, at_port
from tests.conformance.doors.wire import settle, until
from tests.support.processes import free_port

_GET = b"GET /images?a=1 HTTP/1.1\r\nHost: shop\r\n\r\n"
_OLD, _NEW = b'[{"id":1},{"id":2}]\n', b'[{"id":1000}]\n'
_MERGED = b'[{"id":1},{"id":2},{"id":1000}]\n'
_NAME = "legacy+image_service"
Open = Callable[..., Awaitable[Stage]]


def _answer(body: bytes, start: bytes = b"200 OK", fields: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (start, fields, len(body), body)


def _shop(legacy: int, image_service: int, merge: Merge, **changes: Any) -> Snapshot:
    """Images of both sides, ids from 1,000 on being the service's."""
    ranges = (
        IdRange(backend="legacy", first=1, last=999),
        IdRange(backend="image_service", first=1_000, last=None),
    )
    owner = Owner(
        collection="/images", ranges=ranges, unknown="legacy", lists="legacy", merge=merge
    )
    shares = (
        Share(backend="image_service", start=0, end=0),
        Share(backend="legacy", start=0, end=100_000),
    )
    images = Match(path_prefix="/images")
    return Snapshot(
        digest="0" * 64,
        trust=Trust(),
        backends=(
            Backend(name="legacy", addresses=at_port(legacy), **changes),
            Backend(name="image_service", addresses=at_port(image_service), **changes),
        ),
        routes=(
            Route(name="images", matches=(images,), shares=shares, owner=owner),
            Route(name="rest", matches=(Match(path_prefix="/"),), backend="legacy"),
        ),
    )


@pytest.fixture
def new_side(new_origin: NewOrigin) -> Origin:
    """The service, beside the monolith that `origin` is."""
    return new_origin()


@pytest.fixture
async def open_shop(origin: Origin, new_side: Origin) -> AsyncIterator[Open]:
    """Open a door before both sides."""
    stages: list[Stage] = []

    async def open_one(
        door: Door = DIRECT,
        *,
        legacy: int = origin.port,
        image_service: int = new_side.port,
        merge: Merge = Merge(),  # noqa: B008 - frozen
        **changes: Any,
    ) -> Stage:
        stages.append(Stage(_shop(legacy, image_service, merge, **changes)))
        await stages[-1].open(door)
        return stages[-1]

    yield open_one
    for stage in stages:
        await stage.close()


async def _asked(origin: Origin) -> tuple[Connected, bytes]:
    """A side's next connection, and the head of the request on it."""
    backend = await origin.accept()
    return backend, await backend.read_until(b"\r\n\r\n")


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_both_sides_are_asked_at_once_and_the_customer_gets_one_list(
    open_shop: Open, origin: Origin, new_side: Origin, door: Door
) -> None:
    """Neither side waits for the other; the answer is recorded like any other."""
    stage = await open_shop(door)
    customer = await stage.ask(_GET)
    (legacy, asked), (service, also_asked) = await _asked(origin), await _asked(new_side)
    assert asked == also_asked
    assert asked.startswith(b"GET /images?a=1 HTTP/1.1\r\n")
    await service.send(_answer(_NEW))
    await legacy.send(_answer(_OLD, fields=b"X-Shop: 1\r\n"))
    answer = await customer.answer()
    assert answer.endswith(b"\r\n\r\n" + _MERGED)
    assert b"x-shop: 1" in answer.lower()
    line = stage.line()
    assert (line["status"], line["route"], line["backend"]) == (200, "images", _NAME)
    assert (line["reason"], line["bytes_out"]) == ("owner_list", len(_MERGED))
    assert line["trace_id"].encode() in asked
    (lane,) = (lane for lane in stage.gateway.counters().lanes if lane.backend == _NAME)
    assert (sum(lane.by_class), lane.by_reason) == (1, {"owner_list": 1})


async def test_connections_are_kept_and_serve_lists_and_other_requests_alike(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    stage = await open_shop()
    customer = await stage.ask(_GET)
    (legacy, _), (service, _) = await _asked(origin), await _asked(new_side)
    for connected, body in ((legacy, _OLD), (service, _NEW)):
        await connected.send(_answer(body))
    await customer.answer()
    await customer.send(b"GET /images/1 HTTP/1.1\r\nHost: shop\r\n\r\n")
    await legacy.read_until(b"\r\n\r\n")
    await legacy.send(_answer(b"1"))
    assert (await customer.answer()).endswith(b"1")
    await customer.send(_GET)
    for connected, body in ((legacy, _OLD), (service, _NEW)):
        await connected.read_until(b"\r\n\r\n")
        await connected.send(_answer(body))
    assert (await customer.answer()).endswith(_MERGED)
    assert stage.open_connections() == 2


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(_answer(b"", b"503 Service Unavailable"), id="status"),
        pytest.param(
            _answer(b'{"code":"busy"}', fields=b"Content-Type: application/json\r\n"), id="soft"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[]", id="cut"),
    ],
)
async def test_a_sides_breaker_counts_lists_too(
    open_shop: Open, origin: Origin, new_side: Origin, bad: bytes
) -> None:
    """They are most of what a side is asked for, and so the first to tell that it is not well."""
    stage = await open_shop(
        breaker=Breaker(failures=0.5, window_s=60, min_requests=2, open_s=60),
        soft_errors=(SoftError(status=200, json="$.code", equals="busy", counts_as=503),),
    )
    for _ in range(2):
        customer = await stage.ask(_GET)
        (legacy, _), (service, _) = await _asked(origin), await _asked(new_side)
        await legacy.send(_answer(_OLD))
        await service.send(bad)
        service.close()
        assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")
        legacy.close()
    assert stage.gateway.counters().breaker_opened == {"image_service": 1, "legacy": 0}


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_head_is_answered_like_get_without_the_list(
    open_shop: Open, origin: Origin, new_side: Origin, door: Door
) -> None:
    stage = await open_shop(door)
    customer = await stage.ask(_GET.replace(b"GET", b"HEAD"))
    for side, body in ((origin, _OLD), (new_side, _NEW)):
        connected, asked = await _asked(side)
        assert asked.startswith(b"GET ")
        await connected.send(_answer(body))
    head = (await customer.read_until(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200")
    assert b"content-length: %d\r\n" % len(_MERGED) in head
    assert not await customer.has_bytes()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(_answer(b'{"error":"x"}'), id="not-a-list"),
        pytest.param(_answer(_NEW, b"206 Partial Content"), id="partial"),
        pytest.param(_answer(_NEW, fields=b'Link: </i?p=2>; rel="next"\r\n'), id="a-page"),
        pytest.param(_answer(b"", b"500 Internal Server Error"), id="fault"),
        pytest.param(
            _answer(b"", b"304 Not Modified").replace(b"Content-Length: 0\r\n", b""), id="304"
        ),
        pytest.param(_answer(b"[" + b" " * MOST_BYTES + b"]"), id="too-long"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 99, id="no-end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[]", id="cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]", id="malformed"),
        pytest.param(b"", id="no-answer"),
    ],
)
@pytest.mark.parametrize("which", [0, 1], ids=["legacy", "image_service"])
async def test_a_side_without_a_whole_list_makes_502_and_never_half_a_list(
    open_shop: Open, origin: Origin, new_side: Origin, bad: bytes, which: int
) -> None:
    stage = await open_shop()
    customer = await stage.ask(_GET)
    sides = [(await _asked(side))[0] for side in (origin, new_side)]
    good = sides.pop(1 - which)
    await good.send(_answer(_OLD if which else _NEW))
    await sides[0].send(bad)
    sides[0].close()
    answer = await customer.answer()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b'"id"' not in answer
    line = stage.line()
    assert (line["status"], line["backend"]) == (502, _NAME)
    assert line["error"].endswith(":upstream")
    name = ("legacy", "image_service")[which]
    lanes = [lane for lane in stage.gateway.counters().lanes if lane.route == "images"]
    errors = {lane.backend: lane.errors for lane in lanes}
    assert errors[name] == errors[_NAME] == {line["error"]: 1}


@pytest.mark.parametrize("which", ["legacy", "image_service"])
async def test_a_side_that_is_down_makes_502_at_once(
    open_shop: Open, origin: Origin, new_side: Origin, which: str
) -> None:
    """The other side is not waited for, and hears that nobody wants its list any more."""
    stage = await open_shop(**{which: free_port()})
    customer = await stage.ask(_GET)
    assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")
    assert stage.line()["error"] == "connect:refused:upstream"
    other = new_side if which == "legacy" else origin
    if (connected := other.accept_now()) is not None:
        await connected.read_to_end()
    await until(lambda: stage.open_connections() == 0)


async def test_a_side_that_hangs_makes_504_when_its_patience_is_over(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    stage = await open_shop(timeouts=Timeouts(first_byte_s=5.0))
    customer = await stage.ask(_GET)
    legacy, _ = await _asked(origin)
    await legacy.send(_answer(_OLD))
    service, _ = await _asked(new_side)
    await settle()
    stage.pass_time(4.0)
    assert not await customer.has_bytes()
    stage.pass_time(2.0)
    assert (await customer.answer()).startswith(b"HTTP/1.1 504 ")
    assert (await service.read_to_end()).data == b""
    assert stage.line()["error"] == "read_head:timeout:upstream"


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_customer_who_leaves_takes_both_requests_back(
    open_shop: Open, origin: Origin, new_side: Origin, door: Door
) -> None:
    stage = await open_shop(door)
    customer = await stage.ask(_GET)
    sides = [(await _asked(side))[0] for side in (origin, new_side)]
    customer.reset()
    for side in sides:
        assert (await side.read_to_end()).data == b""
    line = stage.line()
    assert (line["status"], line["error"]) == (499, "read_head:closed:downstream")
    await until(lambda: stage.open_connections() == 0)


async def test_sides_that_refuse_alike_refuse(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    stage = await open_shop()
    customer = await stage.ask(_GET)
    for side, body in ((origin, b"who?"), (new_side, b"nobody")):
        connected, _ = await _asked(side)
        await connected.send(_answer(body, b"401 Unauthorized", b"WWW-Authenticate: Basic\r\n"))
    answer = await customer.answer()
    assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n")
    assert answer.endswith(b"who?")


async def test_a_connection_that_has_gone_stale_is_replaced_once(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    """As for any GET: nothing can have happened twice."""
    stage = await open_shop()
    customer = await stage.ask(_GET)
    legacy, _ = await _asked(origin)
    service, _ = await _asked(new_side)
    for connected, body in ((legacy, _OLD), (service, _NEW)):
        await connected.send(_answer(body))
    await customer.answer()
    await customer.send(_GET)
    for connected in (legacy, service):
        await connected.read_until(b"\r\n\r\n")
    legacy.close()
    again, _ = await _asked(origin)
    await again.send(_answer(_OLD))
    await service.send(_answer(_NEW))
    assert (await customer.answer()).endswith(_MERGED)


@pytest.mark.parametrize("door", DOORS, ids=str)
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(_GET.replace(b"a=1", b"page=2"), id="a-query-that-is-not-named"),
        pytest.param(_GET.replace(b"Host", b"Content-Length: 2\r\nHost") + b"{}", id="with-a-body"),
    ],
)
async def test_what_cannot_be_answered_with_a_whole_list_is_400_and_asks_nobody(
    open_shop: Open, origin: Origin, new_side: Origin, door: Door, request_: bytes
) -> None:
    stage = await open_shop(door, merge=Merge(query=("a",)))
    customer = await stage.ask(request_)
    answer = await customer.answer()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["status"] == 400
    assert origin.is_untouched()
    assert new_side.is_untouched()


async def test_other_methods_on_the_collection_ask_one_side(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    stage = await open_shop()
    customer = await stage.ask(b"DELETE /images HTTP/1.1\r\nHost: shop\r\n\r\n")
    connected, _ = await _asked(origin)
    await connected.send(_answer(b"gone"))
    assert (await customer.answer()).endswith(b"gone")
    assert new_side.is_untouched()


async def test_a_list_under_way_ends_as_it_began_when_the_routes_change(
    open_shop: Open, origin: Origin, new_side: Origin
) -> None:
    stage = await open_shop()
    customer = await stage.ask(_GET)
    sides = [await _asked(side) for side in (origin, new_side)]
    gone = free_port()
    stage.gateway.install(_shop(gone, gone, Merge()), 2)
    for (connected, _), body in zip(sides, (_OLD, _NEW), strict=True):
        await connected.send(_answer(body))
    assert (await customer.answer()).endswith(_MERGED)
    assert stage.line()["revision"] == 1
    await customer.send(_GET)
    assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")


async def test_long_lists_are_merged_too(open_shop: Open, origin: Origin, new_side: Origin) -> None:
    """Up to the limit on each side, and beside the loop, which serves others meanwhile."""
    stage = await open_shop()
    customer = await stage.ask(_GET)
    count = 9_000
    bodies = [
        json.dumps([{"id": first + n, "text": "x" * 80} for n in range(amount)]).encode()
        for first, amount in ((1, 900), (1_000, count))
    ]
    assert MOST_BYTES * 0.9 < len(bodies[1]) <= MOST_BYTES
    for side, body in zip((origin, new_side), bodies, strict=True):
        connected, _ = await _asked(side)
        await connected.send(_answer(body))
    merged = json.loads((await customer.answer()).partition(b"\r\n\r\n")[2])
    assert [record["id"] for record in merged] == [*range(1, 901), *range(1_000, 1_000 + count)]


async def test_lists_beyond_those_that_may_be_merged_at_once_wait_their_turn(
    open_shop: Open, origin: Origin, new_side: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.proxy.merging._MOST_AT_ONCE", 1)
    stage = await open_shop()
    first, leaving, third = [await stage.ask(_GET) for _ in range(3)]
    await until(lambda: len(stage.gateway.doors) == 3)
    legacy, _ = await _asked(origin)
    service, _ = await _asked(new_side)
    await settle()
    assert origin.is_untouched()
    leaving.reset()
    await until(lambda: len(stage.gateway.doors) == 2)
    for customer in (first, third):
        for connected, body in ((legacy, _OLD), (service, _NEW)):
            await connected.send(_answer(body))
        assert (await customer.answer()).endswith(_MERGED)
        if customer is first:
            for connected in (legacy, service):
                await connected.read_until(b"\r\n\r\n")
