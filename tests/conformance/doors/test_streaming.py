"""Bodies of any size cross in bounded memory, both ways at once, and early answers are read."""

from __future__ import annotations

import asyncio
import resource

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import Ended, Wire, settle, until

_MIB = 1 << 20
_BLOCK = bytes(_MIB // 4)
_BODY_BYTES = 200 * _MIB
_SOCKET_BYTES = 256 * 1024
"""Of the test's own sockets; the kernel doubles it."""
_TINY_BYTES = 8 * 1024
_HELD_BYTES = 32 * _MIB
"""What sockets and buffers between the two ends may hold: the kernel's own grow to 4 MiB for
sending and 6 MiB for receiving, twice."""
_GROWTH_BYTES = 32 * _MIB
_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = _OK + b"Content-Length: 2\r\n\r\nok"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def _pour(wire: Wire, size: int) -> None:
    for _ in range(size // len(_BLOCK)):
        await wire.send(_BLOCK)


async def test_a_large_answer_to_a_slow_customer_waits_at_the_backend(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.customer(receive_buffer_bytes=_SOCKET_BYTES)
    await customer.send(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES)
    before = _peak_bytes()
    sent = await backend.send_while_taken(_BLOCK, _BODY_BYTES)
    assert sent < _HELD_BYTES
    await customer.read_until(b"\r\n\r\n")
    async with asyncio.TaskGroup() as both:
        both.create_task(customer.count_to(_BODY_BYTES))
        await _pour(backend, _BODY_BYTES - sent)
        await backend.send(bytes((_BODY_BYTES - sent) % len(_BLOCK)))
    assert _peak_bytes() - before < _GROWTH_BYTES
    line = stage.line()
    assert (line["status"], line["bytes_out"], line.get("error")) == (200, _BODY_BYTES, None)


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_large_upload_to_a_slow_backend_waits_at_the_customer(
    open_stage: OpenStage, slow_origin: Origin, framing: str
) -> None:
    stage = await open_stage(port=slow_origin.port)
    is_chunked = framing == "chunked"
    block = b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK) if is_chunked else _BLOCK
    count = _BODY_BYTES // len(_BLOCK) // (4 if is_chunked else 1)
    length = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % _BODY_BYTES
    customer = await stage.ask(_POST + length + b"\r\n\r\n")
    backend = await slow_origin.accept()
    await backend.head()
    before = _peak_bytes()
    # Whole blocks only, so that the rest can follow on where this ended.
    sent = await customer.send_while_taken(block, count * len(block))
    assert sent < _HELD_BYTES
    drain = _read_chunks(backend) if is_chunked else backend.count_to(_BODY_BYTES)
    async with asyncio.TaskGroup() as both:
        both.create_task(drain)
        rest = sent % len(block)
        if rest:
            await customer.send(block[rest:])
        for _ in range(count - -(-sent // len(block))):
            await customer.send(block)
        if is_chunked:
            await customer.send(b"0\r\n\r\n")
    assert _peak_bytes() - before < _GROWTH_BYTES
    await backend.send(_ANSWER)
    assert await customer.read(len(_ANSWER)) == _ANSWER
    line = stage.line()
    assert (line["status"], line["bytes_in"]) == (200, count * len(_BLOCK))


async def _read_chunks(backend: Wire) -> None:
    """Read a chunked body of NULs, keeping none of it."""
    while not (await backend.read_until(b"\r\n")).startswith(b"0\r\n"):
        pass


async def test_pieces_of_an_answer_are_passed_on_as_they_come(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await customer.read_until(b"\r\n\r\n")
    for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
        await backend.send(piece)
        assert await customer.read(len(piece)) == piece


async def test_an_answer_may_run_while_its_upload_goes_on(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_POST + b"Transfer-Encoding: chunked\r\n\r\n")
    backend = await origin.accept()
    await backend.serve(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await customer.read_until(b"\r\n\r\n")
    for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
        await customer.send(piece)
        assert await backend.read(len(piece)) == piece
        await backend.send(piece)
        assert await customer.read(len(piece)) == piece
    # It was not known to be complete when the answer began: such a connection is not used again.
    assert (await customer.read_to_end()).was_reset is False
    assert stage.line()["status"] == 200


@pytest.mark.parametrize("is_rude", [False, True], ids=["lingers", "hangs-up"])
async def test_a_customer_can_read_an_early_answer_to_its_upload_in_full(
    stage: Stage, origin: Origin, *, is_rude: bool
) -> None:
    customer = await stage.ask(_POST + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES)
    backend = await origin.accept()
    await backend.head()
    await customer.send_while_taken(_BLOCK, _BODY_BYTES)
    page = bytes(range(256)) * 128
    head = b"HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\n" % len(page)
    await backend.send(head + b"\r\n" + page)
    if is_rude:
        # With an upload unread this is a reset, as most servers do it.
        backend.close()
    else:
        backend.finish()
    # The customer goes on sending, as most do, before it looks for an answer.
    for _ in range(20):
        await customer.send(_BLOCK)
    ended = await customer.read_to_end()
    assert ended.data == head + b"Connection: close\r\n\r\n" + page
    assert not ended.was_reset
    line = stage.line()
    assert (line["status"], line["bytes_out"], line.get("error")) == (413, len(page), None)


async def test_a_customer_who_never_stops_sending_is_cut_in_the_end(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_POST + b"Content-Length: %d\r\n\r\nx" % _BODY_BYTES)
    backend = await origin.accept()
    await backend.serve(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await customer.read_until(b"\r\n\r\n")
    waited_s = 0.0
    while stage.gateway.doors:
        await customer.send(b"x")
        await settle()
        stage.pass_time(1.6)
        waited_s += 1.6
        await settle()
    assert 28.0 < waited_s < 40.0


async def test_a_customer_who_has_read_an_early_answer_and_stays_is_let_go_soon(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_POST + b"Content-Length: 9\r\n\r\nx")
    await (await origin.accept()).serve(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await customer.read_until(b"\r\n\r\n")
    await customer.send(b"x")
    await settle()
    stage.pass_time(2.5)
    await until(lambda: not stage.gateway.doors)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_a_slow_customer_gets_the_end_of_an_answer_however_long_it_takes(
    open_stage: OpenStage, origin: Origin, version: bytes
) -> None:
    """The answer has left the backend; what waits here is not thrown away after seconds."""
    stage = await open_stage(send_buffer_bytes=_TINY_BYTES)
    customer = await stage.customer(receive_buffer_bytes=_TINY_BYTES)
    await customer.send(b"GET / %b\r\nHost: shop\r\nConnection: close\r\n\r\n" % version)
    backend = await origin.accept()
    # More than the two sockets take, less than it takes to hold the backend.
    size = 60 * 1024
    await backend.serve(_OK + b"Content-Length: %d\r\n\r\n" % size + bytes(size))
    await until(lambda: stage.answered() == 1)
    await settle()
    for _ in range(4):
        stage.pass_time(7.0)
        await settle()
        assert len(stage.gateway.doors) == 1
    await customer.read_until(b"\r\n\r\n")
    assert await customer.read_to_end() == Ended(bytes(size), was_reset=False)


async def test_a_customer_who_reads_slowly_but_reads_keeps_its_answer(
    stage: Stage, origin: Origin
) -> None:
    """Backends may be silent for 30 s; one that is held by its customer is not silent."""
    size = 24 * _MIB
    customer = await stage.customer(receive_buffer_bytes=_SOCKET_BYTES)
    await customer.send(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Content-Length: %d\r\n\r\n" % size)
    await customer.read_until(b"\r\n\r\n")
    sent = await backend.send_while_taken(_BLOCK, size)
    for _ in range(8):
        stage.pass_time(20.0)
        await customer.count_to(_SOCKET_BYTES)
        await settle()
    async with asyncio.TaskGroup() as both:
        both.create_task(customer.count_to(size - 8 * _SOCKET_BYTES))
        await backend.send(bytes(size - sent))
    assert stage.line()["bytes_out"] == size


async def test_a_customer_who_reads_nothing_is_cut_and_its_backend_let_go(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.customer(receive_buffer_bytes=_SOCKET_BYTES)
    await customer.send(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES)
    await backend.send_while_taken(_BLOCK, _BODY_BYTES)
    stage.pass_time(31.0)
    assert stage.line()["error"] == "read_body:timeout:downstream"
    await until(lambda: not stage.gateway.doors and not stage.open_connections())
    assert (await customer.read_to_end()).was_reset


async def test_the_customers_go_ahead_comes_from_the_backend(stage: Stage, origin: Origin) -> None:
    head = _POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    customer = await stage.ask(head)
    backend = await origin.accept()
    assert await backend.head() == head
    assert not await customer.has_bytes()
    go_ahead = b"HTTP/1.1 100 Continue\r\n\r\n"
    await backend.send(go_ahead)
    assert await customer.read(len(go_ahead)) == go_ahead
    await customer.send(b"hi")
    assert await backend.read(2) == b"hi"
    await backend.send(_ANSWER)
    assert await customer.read(len(_ANSWER)) == _ANSWER
    await customer.send(_GET)
    await backend.serve(_ANSWER)


async def test_a_backend_may_refuse_an_upload_before_it_is_sent(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    await (await origin.accept()).serve(
        b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
    )
    ended = await customer.read_to_end()
    assert ended.data == (
        b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    await until(lambda: stage.open_connections() == 0)


async def test_a_connection_whose_upload_has_not_ended_serves_nobody_else(
    open_stage: OpenStage, slow_origin: Origin
) -> None:
    stage = await open_stage(port=slow_origin.port)
    customer = await stage.ask(_POST + b"Content-Length: %d\r\n\r\n" % _BODY_BYTES)
    backend = await slow_origin.accept()
    await backend.head()
    await customer.send_while_taken(_BLOCK, _BODY_BYTES)
    await backend.send(_ANSWER.replace(b"200", b"201"))
    assert (await customer.read_until(b"\r\n")).startswith(b"HTTP/1.1 201 ")
    await until(lambda: stage.open_connections() == 0)
