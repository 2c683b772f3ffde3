"""How tunnels end, how long they last, and what they may hold."""

from __future__ import annotations

import asyncio

import pytest

from gateway.proxy.tunnel import Tunnel
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.frames import BINARY, CLOSE, TEXT, close, frame
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.upgrade import OFFER, TAKEN, offered, upgraded
from tests.conformance.doors.wire import Ended, Wire, settle, until

_MIB = 1 << 20
_BLOCK = frame(BINARY, bytes(_MIB // 4))
_FLOOD = 400
"""Blocks: 100 MiB."""
_SOCKET_BYTES = 256 * 1024
_HELD_BYTES = 32 * _MIB
"""What sockets and buffers between the two ends may hold: the kernel's own grow to 4 MiB for
sending and 6 MiB for receiving, twice."""
_WAITING_BYTES = 2 * _MIB
"""What may wait in the gateway: what one read brings and a little more, each way."""
TUNNELS = 200
_BYE = frame(CLOSE, close(1000, b"bye"))


def _waiting_bytes(stage: Stage) -> int:
    """What the ends of the only tunnel have not handed to the system."""
    (door,) = stage.gateway.doors
    tunnel = door._tunnel
    assert isinstance(tunnel, Tunnel)
    transports = (tunnel.customer.transport, tunnel.backend.transport)
    return sum(each.get_write_buffer_size() for each in transports if each is not None)


def _ends(customer: Wire, backend: Backend, first: str) -> tuple[Wire, Wire]:
    return (customer, backend) if first == "customer" else (backend, customer)


@pytest.mark.parametrize("first", ["customer", "backend"])
async def test_an_end_that_has_said_all_can_still_listen(
    stage: Stage, origin: Origin, first: str
) -> None:
    customer, backend = await upgraded(stage, origin)
    speaker, listener = _ends(customer, backend, first)
    await speaker.send(_BYE)
    speaker.finish()
    assert await listener.read_to_end() == Ended(_BYE, was_reset=False)
    answer = frame(TEXT, b"wait, " * 30_000) + _BYE
    await listener.send(answer)
    assert await speaker.read(len(answer)) == answer
    listener.finish()
    assert await speaker.read_to_end() == Ended(b"", was_reset=False)
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)


@pytest.mark.parametrize("first", ["customer", "backend"])
async def test_promise_3_a_lost_end_never_looks_like_one_that_closed(
    stage: Stage, origin: Origin, first: str
) -> None:
    customer, backend = await upgraded(stage, origin)
    lost, left = _ends(customer, backend, first)
    await lost.send(b"\x81\x7e")
    await left.read(2)
    lost.reset()
    assert (await left.read_to_end()).was_reset
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)


@pytest.mark.parametrize("first", ["customer", "backend"])
async def test_an_end_that_closes_its_socket_ends_the_tunnel(
    stage: Stage, origin: Origin, first: str
) -> None:
    """As a WebSocket ends: a Close each way, then the server closes."""
    customer, backend = await upgraded(stage, origin)
    leaver, other = _ends(customer, backend, first)
    await other.send(_BYE)
    assert await leaver.read(len(_BYE)) == _BYE
    await leaver.send(_BYE)
    leaver.close()
    assert await other.read_to_end() == Ended(_BYE, was_reset=False)
    other.close()
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)


@pytest.mark.parametrize("first", ["customer", "backend"])
async def test_what_was_said_last_arrives_before_the_end(
    stage: Stage, origin: Origin, first: str
) -> None:
    customer, backend = await upgraded(stage, origin)
    speaker, listener = _ends(customer, backend, first)
    said = _BLOCK * 3
    async with asyncio.TaskGroup() as both:
        heard = both.create_task(listener.read_to_end())
        await speaker.send(said)
        speaker.finish()
    assert heard.result() == Ended(said, was_reset=False)
    listener.finish()
    assert await speaker.read_to_end() == Ended(b"", was_reset=False)


@pytest.mark.parametrize("first", ["customer", "backend"])
async def test_an_end_that_is_lost_after_it_has_said_all_ends_the_tunnel(
    stage: Stage, origin: Origin, first: str
) -> None:
    """The other end, which may be silent, must not be held for one who cannot hear it."""
    customer, backend = await upgraded(stage, origin)
    lost, left = _ends(customer, backend, first)
    lost.finish()
    await left.read_to_end()
    lost.reset()
    await settle()
    stage.pass_time(10.0)
    await settle()
    is_over = not stage.gateway.doors
    left.reset()
    assert is_over


async def test_a_backend_that_goes_before_the_101_is_502(stage: Stage, origin: Origin) -> None:
    customer, backend, _ = await offered(stage, origin)
    backend.close()
    assert await customer.read_until(b"\r\n") == b"HTTP/1.1 502 Bad Gateway\r\n"


async def test_a_customer_who_goes_before_the_101_is_told_to_the_backend(
    stage: Stage, origin: Origin
) -> None:
    customer, backend, _ = await offered(stage, origin)
    customer.close()
    await backend.read_to_end()
    await until(lambda: stage.open_connections() == 0)


@pytest.mark.parametrize("reader", ["customer", "backend"])
async def test_a_reader_that_is_slow_holds_the_other_end_and_not_our_memory(
    open_stage: OpenStage, slow_origin: Origin, reader: str
) -> None:
    stage = await open_stage(port=slow_origin.port)
    customer = await stage.customer(receive_buffer_bytes=_SOCKET_BYTES)
    backend = await _tunnel(customer, slow_origin)
    slow, sender = _ends(customer, backend, reader)
    sent = await sender.send_while_taken(_BLOCK, _FLOOD * len(_BLOCK))
    assert sent < _HELD_BYTES
    # The other direction is not held with it.
    await slow.send(b"\x81\x00")
    assert await sender.read(2) == b"\x81\x00"
    rest = -sent % len(_BLOCK)
    async with asyncio.TaskGroup() as both:
        both.create_task(slow.count_to(_FLOOD * len(_BLOCK)))
        await sender.send(_BLOCK[len(_BLOCK) - rest :])
        for _ in range(_FLOOD - (sent + rest) // len(_BLOCK)):
            await sender.send(_BLOCK)
            assert _waiting_bytes(stage) < _WAITING_BYTES


async def _tunnel(customer: Wire, origin: Origin) -> Backend:
    """A tunnel for a customer who is there already."""
    await customer.send(OFFER)
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    await backend.send(TAKEN)
    await customer.read_until(b"\r\n\r\n")
    return backend


async def test_two_hundred_tunnels_at_once_are_each_their_own(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=TUNNELS)
    pairs = [await upgraded(stage, origin) for _ in range(TUNNELS)]
    assert stage.open_connections() == TUNNELS
    for number, (customer, backend) in enumerate(pairs):
        await customer.send(b"customer %03d" % number)
        await backend.send(b"backend %03d" % number)
    for number, (customer, backend) in enumerate(pairs):
        assert await backend.read(12) == b"customer %03d" % number
        assert await customer.read(11) == b"backend %03d" % number
    for customer, backend in pairs:
        customer.finish()
        assert await backend.read_to_end() == Ended(b"", was_reset=False)
        backend.close()
    await until(lambda: stage.open_connections() == 0)


async def test_the_connection_of_a_tunnel_serves_nobody_else(stage: Stage, origin: Origin) -> None:
    customer, backend = await upgraded(stage, origin)
    customer.finish()
    backend.finish()
    await customer.read_to_end()
    other = await stage.ask(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
    again = await origin.accept()
    await again.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (await other.read_until(b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_tunnel_outlives_new_revisions(stage: Stage, origin: Origin) -> None:
    customer, backend = await upgraded(stage, origin)
    stage.install(stage.backend(port=1))
    stage.pass_time(1.0)
    await customer.send(b"\x81\x00")
    assert await backend.read(2) == b"\x81\x00"
    await backend.send(b"\x81\x00")
    assert await customer.read(2) == b"\x81\x00"


async def test_a_tunnel_in_use_outlives_every_timeout_of_a_request(
    stage: Stage, origin: Origin
) -> None:
    """Here an hour of turns twenty seconds apart: less than a backend may be silent."""
    customer, backend = await upgraded(stage, origin)
    for turn in range(180):
        stage.pass_time(20.0)
        sender, receiver = _ends(customer, backend, "customer" if turn % 2 else "backend")
        await sender.send(b"\x89\x00")
        assert await receiver.read(2) == b"\x89\x00"


async def test_a_tunnel_that_nobody_uses_for_a_day_is_ended_at_both_ends(
    stage: Stage, origin: Origin
) -> None:
    customer, backend = await upgraded(stage, origin)
    for _ in range(24 * 60):
        stage.pass_time(60.0)
    await customer.read_to_end()
    await backend.read_to_end()
    await until(lambda: stage.open_connections() == 0 and not stage.gateway.doors)


async def test_a_stop_lets_a_tunnel_go_on_until_its_patience_ends(
    stage: Stage, origin: Origin
) -> None:
    customer, backend = await upgraded(stage, origin)
    stage.gateway.is_draining = True
    (door,) = stage.gateway.doors
    door.shutdown()
    await settle()
    await customer.send(b"\x81\x00")
    assert await backend.read(2) == b"\x81\x00"
    door.cut()
    assert (await customer.read_to_end()).was_reset
    assert (await backend.read_to_end()).was_reset


async def test_a_tunnel_has_one_access_line_when_it_has_ended(stage: Stage, origin: Origin) -> None:
    customer, backend = await upgraded(stage, origin)
    await customer.send(b"four")
    await backend.read(4)
    await backend.send(b"sixsix")
    await customer.read(6)
    customer.finish()
    backend.finish()
    await until(lambda: not stage.gateway.doors)
    line = stage.line()
    assert (line["method"], line["path"], line["status"]) == ("GET", "/chat", 101)
    assert (line["bytes_in"], line["bytes_out"], line.get("error")) == (4, 6, None)
