"""Many requests on one connection: in order, bounded, and each in its own words."""

from __future__ import annotations

import resource

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle, until

_MIB = 1 << 20
_OK = b"HTTP/1.1 200 OK\r\n"
_MANY = 5_000
_TINY_BYTES = 8 * 1024


def _get(path: bytes) -> bytes:
    return b"GET /%b HTTP/1.1\r\nHost: s\r\n\r\n" % path


def _answer(body: bytes) -> bytes:
    return _OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def _echo_paths(backend: Backend, count: int) -> None:
    """Answer each request with its own path."""
    for _ in range(count):
        head = await backend.head()
        await backend.send(_answer(head.split(b" ")[1]))


async def test_requests_sent_at_once_are_answered_in_order_and_asked_one_at_a_time(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_get(b"1") + _get(b"2") + _get(b"3"))
    backend = await origin.accept()
    for path in (b"/1", b"/2", b"/3"):
        assert (await backend.head()).split(b" ")[1] == path
        assert not await backend.has_bytes()
        await backend.send(_answer(path))
        assert await customer.read(len(_answer(path))) == _answer(path)
    assert stage.state.total_requests == 3


async def test_5000_requests_in_one_write_are_all_answered_in_order(
    stage: Stage, origin: Origin
) -> None:
    paths = [b"%d" % number for number in range(_MANY)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    customer = await stage.ask(b"".join(map(_get, paths)))
    await _echo_paths(await origin.accept(), _MANY)
    expected = b"".join(_answer(b"/" + path) for path in paths)
    assert await customer.read(len(expected)) == expected
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 16 * _MIB
    assert {line["status"] for line in stage.lines(_MANY)} == {200}
    assert stage.open_connections() == 1


async def test_5000_requests_that_we_answer_ourselves_are_all_answered(stage: Stage) -> None:
    customer = await stage.ask(
        _get(b"%00") * _MANY + _get(b"%00")[:-2] + b"Connection: close\r\n\r\n"
    )
    ended = await customer.read_to_end()
    assert ended.data.count(b"HTTP/1.1 400 Bad Request\r\n") == _MANY + 1
    assert not ended.was_reset


async def test_who_has_much_refused_does_not_keep_the_others_waiting(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals are written on the spot, thousands of them fit into what one read brings."""
    monkeypatch.setattr("gateway.proxy.direct.TURN_S", 0.0)
    flood = await stage.customer()
    other = await stage.customer()
    await flood.send(_get(b"%00") * 2000)
    await other.send(_get(b"good"))
    await (await origin.accept()).serve(_answer(b"/good"))
    assert await other.read(len(_answer(b"/good"))) == _answer(b"/good")
    assert stage.gateway.counters().refused["400"] < 1000
    await flood.look_until(lambda: len(flood.answers) == 2000)
    assert {answer.status for answer in flood.answers} == {400}


async def test_a_customer_who_reads_no_answer_has_few_requests_read(
    stage: Stage, origin: Origin
) -> None:
    """Each request that has been read is memory, many times its own bytes."""
    customer = await stage.ask(b"".join(_get(b"%d" % number) for number in range(3000)))
    await origin.accept()
    await settle()
    (door,) = stage.gateway.doors
    assert len(door._queue) < 200
    customer.reset()


async def test_a_customer_who_asks_much_and_reads_nothing_fills_no_memory(stage: Stage) -> None:
    """What we answer ourselves waits for the customer, too."""
    customer = await stage.customer(receive_buffer_bytes=4096)
    await customer.send_while_taken(_get(b"%00") * 1000, 64 * _MIB)
    (door,) = stage.gateway.doors
    assert door.transport is not None
    assert door.transport.get_write_buffer_size() < _MIB
    assert len(door._queue) < 1000


async def test_an_answer_is_not_asked_for_while_the_one_before_waits_to_be_read(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(send_buffer_bytes=_TINY_BYTES)
    customer = await stage.customer(receive_buffer_bytes=_TINY_BYTES)
    await customer.send(_get(b"first") + _get(b"second"))
    backend = await origin.accept()
    # So much that the backend would be held, were it not complete.
    first = _answer(bytes(110 * 1024))
    await backend.serve(first)
    await until(lambda: stage.answered() == 1)
    assert not await backend.has_bytes()
    assert await customer.read(len(first)) == first
    await _echo_paths(backend, 1)
    assert await customer.read(len(_answer(b"/second"))) == _answer(b"/second")


async def test_an_upload_behind_a_slow_answer_waits_at_the_customer(
    stage: Stage, origin: Origin
) -> None:
    size = 64 * _MIB
    head = b"POST /up HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n" % size
    customer = await stage.ask(_get(b"slow") + head)
    backend = await origin.accept()
    await backend.head()
    sent = await customer.send_while_taken(bytes(_MIB), size)
    assert sent < 12 * _MIB
    (door,) = stage.gateway.doors
    upload = door._queue[1].upload
    assert upload is not None
    assert upload.pending_bytes < _MIB
    await backend.send(_answer(b"slow"))
    await customer.read(len(_answer(b"slow")))
    assert (await backend.head()).startswith(b"POST /up ")


async def test_an_upload_in_countless_tiny_chunks_waits_at_the_customer_all_the_same(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=1)
    await stage.ask(_get(b"busy"))
    await (await origin.accept()).head()
    customer = await stage.ask(
        b"POST /up HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    await customer.send_while_taken(b"2\r\nhi\r\n" * 10_000, 32 * _MIB)
    uploads = [door._queue[0].upload for door in stage.gateway.doors]
    pieces = max(len(upload._pieces) for upload in uploads if upload is not None)
    assert pieces < 50_000
    customer.reset()


async def test_nothing_is_served_behind_a_request_that_closes(stage: Stage, origin: Origin) -> None:
    last = b"GET /last HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
    customer = await stage.ask(_get(b"1") + last + _get(b"never"))
    await _echo_paths(await origin.accept(), 2)
    ended = await customer.read_to_end()
    assert ended.data.endswith(b"Connection: close\r\n\r\n/last")
    assert stage.state.total_requests == 2


async def test_nothing_is_served_behind_an_answer_that_ends_with_its_connection(
    stage: Stage, origin: Origin
) -> None:
    old = b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    customer = await stage.ask(
        old + b"POST /never HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n"
    )
    backend = await origin.accept()
    head = await backend.read_until(b"\r\n\r\n")
    assert b"\r\nHost: 127.0.0.1:" in head
    await backend.send(_OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
    ended = await customer.read_to_end()
    assert (ended.data, ended.was_reset) == (_OK + b"Connection: close\r\n\r\na", False)
    assert not await backend.has_bytes()


async def test_a_head_that_comes_byte_by_byte_is_one_request(stage: Stage, origin: Origin) -> None:
    customer = await stage.customer()
    for byte in _get(b"slow"):
        await customer.send(bytes((byte,)))
        await settle()
    assert (await (await origin.accept()).head()) == _get(b"slow")
    assert stage.state.total_requests == 1


async def test_connections_on_both_sides_are_kept_between_requests(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_get(b"0"))
    backend = await origin.accept()
    for path in (b"/0", b"/1", b"/2"):
        await _echo_paths(backend, 1)
        assert await customer.read(len(_answer(path))) == _answer(path)
        await customer.send(_get(b"%d" % (int(path[1:]) + 1)))
    await _echo_paths(backend, 1)
    await customer.read(len(_answer(b"/3")))
    assert (stage.open_connections(), len(stage.gateway.doors)) == (1, 1)
    customer.close()
    await until(lambda: not stage.gateway.doors)
    # Another customer gets the same connection.
    other = await stage.ask(_get(b"9"))
    await _echo_paths(backend, 1)
    assert await other.read(len(_answer(b"/9"))) == _answer(b"/9")
