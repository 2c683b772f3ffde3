"""A switch of protocols that both ends want becomes a tunnel of bytes; any other answer is HTTP."""

from __future__ import annotations

import asyncio

import pytest

from gateway.proxy.upstream import UpstreamConnection
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.inabilities import INABILITIES
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.servers import HYPERCORN, Door
from tests.conformance.doors.stage import Customer, Stage
from tests.conformance.doors.wire import Ended, settle, until

_MIB = 1 << 20
_SECRETS = (
    b"Sec-WebSocket-Version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
)
_OFFER = (
    b"GET /chat?a=b HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\n" + _SECRETS + b"\r\n"
)
_FIELDS = (
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n"
    b"X-Figueira: kept\r\n"
)
_SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + _FIELDS
    + b"\r\n"
)
_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_FRAMES = bytes(range(256)) + b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n\n\n\x00"
"""Bytes that no reader of HTTP could let pass."""


async def _offered(stage: Stage, origin: Origin) -> tuple[Customer, Backend]:
    """A customer who offers to switch, and the backend that has read the offer."""
    customer = await stage.ask(_OFFER)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    return customer, backend


async def _switched(stage: Stage, origin: Origin) -> tuple[Customer, Backend]:
    """Both ends of a tunnel."""
    customer, backend = await _offered(stage, origin)
    await backend.send(_SWITCH)
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return customer, backend


async def test_the_offer_reaches_the_backend_with_all_that_belongs_to_it(
    stage: Stage, origin: Origin
) -> None:
    await stage.ask(_OFFER)
    backend = await origin.accept()
    head = await backend.read_until(b"\r\n\r\n")
    (request,) = backend.requests
    assert head.startswith(b"GET /chat?a=b HTTP/1.1\r\nHost: shop\r\n")
    assert (request.options(), request.values(b"upgrade")) == ([b"upgrade"], [b"websocket"])
    assert _SECRETS in head


async def test_the_switch_reaches_the_customer_with_its_cookies(
    stage: Stage, origin: Origin
) -> None:
    customer, backend = await _offered(stage, origin)
    await backend.send(_SWITCH)
    head = await customer.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert _FIELDS in head
    (answer,) = customer.answers
    assert (answer.options(), answer.values(b"upgrade")) == ([b"upgrade"], [b"websocket"])


async def test_behind_the_switch_all_bytes_cross_both_ways_as_they_come(
    stage: Stage, origin: Origin
) -> None:
    customer, backend = await _offered(stage, origin)
    # The first frame often comes in one packet with the switch.
    await backend.send(_SWITCH + _FRAMES)
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert await customer.read(len(_FRAMES)) == _FRAMES
    for _ in range(3):
        await customer.send(_FRAMES)
        assert await backend.read(len(_FRAMES)) == _FRAMES
        await backend.send(_FRAMES)
        assert await customer.read(len(_FRAMES)) == _FRAMES


async def test_a_tunnel_is_not_ended_for_silence_within_its_head_limits(
    stage: Stage, origin: Origin
) -> None:
    """The limits of heads and of waiting for answers are those of HTTP."""
    customer, backend = await _switched(stage, origin)
    stage.pass_time(15.0)
    await customer.send(b"still here")
    assert await backend.read(10) == b"still here"


@pytest.mark.parametrize("who", ["customer", "backend"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_the_end_of_a_tunnel_at_one_end_is_its_end_at_the_other(
    stage: Stage, origin: Origin, who: str, how: str
) -> None:
    """And a connection that was lost must not look like one that was closed."""
    customer, backend = await _switched(stage, origin)
    leaves, stays = (customer, backend) if who == "customer" else (backend, customer)
    await leaves.send(b"last words")
    assert await stays.read(10) == b"last words"
    getattr(leaves, how)()
    ended = await stays.read_to_end()
    assert ended == Ended(b"", was_reset=how == "reset")
    # Whoever was told of the end may still have something to say, until it closes, too.
    stays.close()
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)
    assert stage.line()["status"] == 101


@pytest.mark.parametrize("who", ["customer", "backend"])
async def test_a_tunnel_waits_for_its_slower_end(stage: Stage, origin: Origin, who: str) -> None:
    size = 64 * _MIB
    customer, backend = await _switched(stage, origin)
    sends, reads = (customer, backend) if who == "customer" else (backend, customer)
    sent = await sends.send_while_taken(bytes(_MIB), size)
    assert sent < size / 2
    async with asyncio.TaskGroup() as both:
        both.create_task(reads.count_to(size))
        for _ in range((size - sent) // _MIB):
            await sends.send(bytes(_MIB))
        await sends.send(bytes((size - sent) % _MIB))


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n"
        b"Set-Cookie: a=1\r\nContent-Length: 4\r\n\r\nwho?",
        b"HTTP/1.1 403 Go Away\r\nX-Why: busy\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnone\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["401", "403", "404", "200"],
)
async def test_a_backend_that_does_not_switch_is_passed_on_in_its_own_words(
    stage: Stage, origin: Origin, refusal: bytes
) -> None:
    customer, backend = await _offered(stage, origin)
    await backend.send(refusal)
    assert await customer.answer() == refusal
    # HTTP goes on, on both connections.
    await customer.send(_GET)
    await backend.serve(_ANSWER)
    assert await customer.answer() == _ANSWER


async def test_a_refusal_may_say_which_protocol_is_wanted(stage: Stage, origin: Origin) -> None:
    customer, backend = await _offered(stage, origin)
    await backend.send(
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    await customer.answer()
    (answer,) = customer.answers
    assert (answer.status, answer.values(b"upgrade")) == (426, [b"websocket"])


WRONG_SWITCHES = {
    "to-another-protocol": _SWITCH.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
    "to-nothing": _SWITCH.replace(b"Upgrade: websocket\r\n", b""),
    "that-connection-does-not-name": _SWITCH.replace(b"Connection: Upgrade\r\n", b""),
    "with-a-length": _SWITCH.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"),
    "with-chunks": _SWITCH.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "in-http-1-0": _SWITCH.replace(b"HTTP/1.1", b"HTTP/1.0"),
}


@pytest.mark.parametrize("switch", WRONG_SWITCHES.values(), ids=WRONG_SWITCHES)
async def test_a_switch_that_was_not_offered_thus_is_a_502(
    stage: Stage, origin: Origin, switch: bytes
) -> None:
    customer, backend = await _offered(stage, origin)
    await backend.send(switch + _FRAMES)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    await backend.read_to_end()
    await until(lambda: stage.open_connections() == 0)
    assert not await customer.has_bytes() or b"HTTP/1.1" not in customer.came


NO_OFFERS = {
    "h2c": _OFFER.replace(b"websocket", b"h2c"),
    "h2c-among-others": _OFFER.replace(b"Upgrade: websocket", b"Upgrade: h2c, foo"),
    "http-1-0": _OFFER.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "not-named-by-connection": _OFFER.replace(b"Connection: keep-alive, Upgrade\r\n", b""),
    "named-and-not-there": _OFFER.replace(b"Upgrade: websocket\r\n", b""),
}


@pytest.mark.parametrize("offer", NO_OFFERS.values(), ids=NO_OFFERS)
async def test_what_is_no_offer_is_an_ordinary_request(
    stage: Stage, origin: Origin, offer: bytes
) -> None:
    customer = await stage.ask(offer)
    backend = await origin.accept()
    head = await backend.head()
    assert (backend.requests[0].values(b"upgrade"), b"\r\nConnection:" in head) == ([], False)
    await backend.send(_ANSWER)
    await customer.answer()
    assert customer.answers[0].status == 200


async def test_a_101_to_what_is_no_offer_is_a_502(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_OFFER.replace(b"HTTP/1.1", b"HTTP/1.0"))
    await (await origin.accept()).serve(_SWITCH + _FRAMES)
    ended = await customer.read_to_end()
    assert ended.data.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert ended.data.count(b"HTTP/1.1 ") == 1


async def test_nothing_sent_behind_an_offer_reaches_the_backend_before_the_switch(
    stage: Stage, origin: Origin
) -> None:
    """Or it would be the next request there, should the backend not switch."""
    customer = await stage.ask(_OFFER + _FRAMES)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await settle()
    assert not await backend.has_bytes()
    await backend.send(_ANSWER)
    assert (await customer.read_until(b"ok")).endswith(b"\r\n\r\nok")
    assert not await backend.has_bytes()
    assert len(backend.requests) == 1


_UNABLE = [
    door
    for door in next(each for each in INABILITIES if each.what == "Upgrade, WebSocket").shown_by
    if door is not HYPERCORN
]


@pytest.mark.parametrize("door", _UNABLE, ids=str)
async def test_a_door_that_does_not_switch_says_so(
    door: Door, open_stage: OpenStage, origin: Origin
) -> None:
    """The offer is not passed on, so that no backend takes it up."""
    stage = await open_stage(door)
    customer = await stage.ask(_OFFER)
    backend = await origin.accept()
    await backend.head()
    assert backend.requests[0].values(b"upgrade") == []
    await backend.send(_ANSWER)
    await customer.answer()
    assert customer.answers[0].status == 200


async def test_a_customer_who_is_behind_when_the_protocols_switch_holds_the_backend(
    open_stage: OpenStage, origin: Origin
) -> None:
    """What it has not read must not gather in memory, now as before."""
    stage = await open_stage(send_buffer_bytes=4096)
    customer = await stage.customer(receive_buffer_bytes=4096)
    await customer.send(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + bytes(60_000))
    await settle()
    await customer.send(_OFFER)
    await backend.read_until(b"\r\n\r\n")
    padding = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 1000) for number in range(40))
    await backend.send(_SWITCH[:-2] + padding + b"\r\n")
    assert await backend.send_while_taken(bytes(65536), 64 * _MIB) < 16 * _MIB


async def test_a_customer_who_is_cut_just_as_the_protocols_switch_leaves_nothing_open(
    stage: Stage, origin: Origin
) -> None:
    await _offered(stage, origin)
    (door,) = stage.gateway.doors
    upstream, transport = door._queue[0].connection, door.transport
    assert isinstance(upstream, UpstreamConnection)
    assert transport is not None
    transport.abort()
    upstream.data_received(_SWITCH)
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)
    assert stage.line()["error"] == "tunnel:closed:downstream"
