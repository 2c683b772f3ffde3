"""Who leaves is believed at once, who is slow is not waited for for ever, a stop is graceful."""

from __future__ import annotations

import socket

import pytest

from gateway.routing.snapshot import Timeouts
from tests.conformance.doors.conftest import NewOrigin, OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DOORS, Door
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import Ended, settle, until

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = _OK + b"Content-Length: 2\r\n\r\nok"
_LAST_ANSWER = _OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.mark.parametrize("how", ["close", "finish", "reset"])
@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_customer_who_leaves_takes_its_request_back_at_once(
    open_stage: OpenStage, origin: Origin, door: Door, how: str
) -> None:
    stage = await open_stage(door)
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    getattr(customer, how)()
    assert (await backend.read_to_end()).data == b""
    line = stage.line()
    assert (line["status"], line["error"]) == (499, "read_head:closed:downstream")
    await until(lambda: stage.open_connections() == 0)


@pytest.mark.parametrize("how", ["close", "finish", "reset"])
async def test_an_upload_that_breaks_off_never_looks_complete_to_the_backend(
    stage: Stage, origin: Origin, how: str
) -> None:
    customer = await stage.ask(
        b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    backend = await origin.accept()
    await backend.head()
    assert await backend.read(10) == b"5\r\nhello\r\n"
    getattr(customer, how)()
    assert (await backend.read_to_end()).data == b""
    line = stage.line()
    assert (line["status"], line["error"], line["bytes_in"]) == (
        499,
        "send_body:closed:downstream",
        5,
    )


async def test_a_customer_who_leaves_within_its_answer_stops_the_backend(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_OK + b"Content-Length: 1000\r\n\r\nhello")
    await customer.read_until(b"hello")
    customer.close()
    await backend.read_to_end()
    line = stage.line()
    assert (line["status"], line["error"]) == (499, "read_body:closed:downstream")
    assert line["bytes_out"] == 5


async def test_a_customer_who_leaves_while_its_backend_is_dialled_leaves_the_line_to_the_next(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    customer.reset()
    await until(lambda: stage.answered() == 1)
    assert stage.line()["status"] == 499
    next_customer = await stage.ask(_GET)
    await (await origin.accept()).serve(_OK + b"Content-Length: 0\r\n\r\n")
    assert (await next_customer.read_until(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
    assert origin.is_untouched()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_customer_who_leaves_while_its_upload_is_held_up_is_noticed_by_the_next_sweep(
    open_stage: OpenStage, origin: Origin, how: str
) -> None:
    """Nothing is read from it then, so no event tells of its leaving."""
    stage = await open_stage(max_connections=1)
    await stage.ask(_GET)
    await (await origin.accept()).head()
    customer = await stage.ask(_POST.replace(b"10", b"%d" % (1 << 20)) + bytes(100_000))
    await until(lambda: any(door._customer.holds for door in stage.gateway.doors))
    getattr(customer, how)()
    await settle()
    assert len(stage.gateway.doors) == 2
    stage.pass_time(0.25)
    await until(lambda: len(stage.gateway.doors) == 1)
    line = stage.line()
    assert (line["status"], line["error"]) == (499, "queue:closed:downstream")


async def test_requests_behind_the_one_in_progress_are_forgotten_with_their_customer(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET * 3)
    backend = await origin.accept()
    await backend.head()
    customer.close()
    assert (await backend.read_to_end()).data == b""
    assert origin.is_untouched()
    assert stage.answered() == 1


async def test_a_backend_that_cannot_be_reached_in_time_is_a_504(
    open_stage: OpenStage, new_origin: NewOrigin
) -> None:
    full = new_origin(backlog=0)
    stage = await open_stage(port=full.port, timeouts=Timeouts(connect_s=0.05))
    # A full queue of connections that nobody accepts: the kernel answers no further one.
    waiting = [socket.create_connection(("127.0.0.1", full.port))]
    customer = await stage.ask(_GET)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"
    line = stage.line()
    assert (line["status"], line["error"]) == (504, "connect:timeout:upstream")
    for one in waiting:
        one.close()


async def test_a_backend_that_does_not_begin_to_answer_in_time_is_a_504(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    stage.pass_time(59.0)
    assert not await customer.has_bytes()
    stage.pass_time(2.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"
    assert (await backend.read_to_end()).data == b""
    line = stage.line()
    assert (line["status"], line["error"]) == (504, "read_head:timeout:upstream")


async def test_a_backend_that_falls_silent_within_its_answer_has_it_cut(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    begun = _OK + b"Content-Length: 10\r\n\r\nhello"
    await backend.serve(begun)
    assert await customer.read(len(begun)) == begun
    stage.pass_time(31.0)
    assert await customer.read_to_end() == Ended(b"", was_reset=True)
    line = stage.line()
    assert (line["status"], line["error"]) == (200, "read_body:timeout:upstream")
    assert stage.open_connections() == 0


async def test_a_backend_that_stops_reading_an_upload_is_a_504(
    open_stage: OpenStage, slow_origin: Origin
) -> None:
    stage = await open_stage(port=slow_origin.port)
    size = 64 << 20
    customer = await stage.ask(_POST.replace(b"10", b"%d" % size))
    await slow_origin.accept()
    await customer.send_while_taken(bytes(1 << 20), size)
    stage.pass_time(31.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"
    assert stage.line()["error"] == "send_body:timeout:upstream"


async def test_a_customer_who_falls_silent_within_its_upload_is_told(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_POST + b"hello")
    backend = await origin.accept()
    await backend.head()
    stage.pass_time(31.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 408 Request Timeout\r\n"
    assert (await backend.read_to_end()).data == b"hello"
    line = stage.line()
    assert (line["status"], line["error"]) == (408, "send_body:timeout:downstream")


async def test_a_backend_that_never_gives_its_go_ahead_is_to_blame(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    await (await origin.accept()).head()
    stage.pass_time(61.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"
    assert stage.line()["error"] == "send_body:timeout:upstream"


@pytest.mark.parametrize("before", [b"", _GET], ids=["alone", "behind-a-whole-one"])
async def test_a_head_that_never_ends_is_a_408(stage: Stage, origin: Origin, before: bytes) -> None:
    customer = await stage.ask(before + _GET[:-2])
    if before:
        await (await origin.accept()).serve(_ANSWER)
        await customer.read(len(_ANSWER))
    await settle()
    stage.pass_time(9.0)
    assert not await customer.has_bytes()
    stage.pass_time(2.0)
    ended = await customer.read_to_end()
    assert ended.data.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert stage.lines(2 if before else 1)[-1]["status"] == 408


async def test_a_head_that_trickles_in_is_a_408_all_the_same(stage: Stage) -> None:
    customer = await stage.customer()
    for byte in b"GET / HTTP/1.1\r\n":
        await customer.send(bytes((byte,)))
        await settle()
        stage.pass_time(0.9)
    assert (await customer.read_to_end()).data.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.parametrize("asked", [False, True], ids=["never-asked", "asked-once"])
async def test_an_idle_customer_is_let_go_without_a_word(
    stage: Stage, origin: Origin, *, asked: bool
) -> None:
    customer = await stage.customer()
    if asked:
        await customer.send(_GET)
        await (await origin.accept()).serve(_ANSWER)
        await customer.read(len(_ANSWER))
    await until(lambda: len(stage.gateway.doors) == 1)
    stage.pass_time(74.0)
    assert not await customer.has_bytes()
    stage.pass_time(2.0)
    assert await customer.read_to_end() == Ended(b"", was_reset=False)


def _stop(stage: Stage) -> None:
    """Begin a graceful stop as the worker and its server do."""
    stage.gateway.is_draining = True
    for connection in list(stage.state.connections):
        connection.shutdown()


async def test_a_stop_lets_the_answer_in_progress_end_and_says_that_it_is_the_last(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    _stop(stage)
    await backend.send(_ANSWER)
    assert await customer.read_to_end() == Ended(_LAST_ANSWER, was_reset=False)


async def test_a_stop_within_an_answer_closes_behind_it(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_ANSWER[:-1])
    await customer.read(len(_ANSWER) - 1)
    _stop(stage)
    await backend.send(_ANSWER[-1:])
    assert await customer.read_to_end() == Ended(_ANSWER[-1:], was_reset=False)


async def test_a_stop_closes_idle_connections_at_once(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_GET)
    await (await origin.accept()).serve(_ANSWER)
    await customer.read(len(_ANSWER))
    _stop(stage)
    assert await customer.read_to_end() == Ended(b"", was_reset=False)


@pytest.mark.parametrize("whole", [0, 1], ids=["alone", "behind-a-whole-one"])
async def test_a_half_received_head_is_still_answered(
    stage: Stage, origin: Origin, whole: int
) -> None:
    customer = await stage.ask(_GET * whole + _GET[:20])
    for _ in range(whole):
        await (await origin.accept()).serve(_ANSWER)
        await customer.read(len(_ANSWER))
    # Nothing idle is kept, so that the rest comes over a connection of its own.
    stage.pass_time(5.0)
    await settle()
    _stop(stage)
    await customer.send(_GET[20:])
    await (await origin.accept()).serve(_ANSWER)
    assert await customer.read_to_end() == Ended(_LAST_ANSWER, was_reset=False)


async def test_requests_behind_the_last_answer_of_a_stop_are_not_begun(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET * 3)
    backend = await origin.accept()
    await backend.head()
    _stop(stage)
    await backend.send(_ANSWER)
    assert await customer.read_to_end() == Ended(_LAST_ANSWER, was_reset=False)
    assert not await backend.has_bytes()
    assert stage.answered() == 1


async def test_who_connects_during_a_stop_is_sent_away(stage: Stage, origin: Origin) -> None:
    stage.gateway.is_draining = True
    customer = await stage.customer()
    assert await customer.read_to_end() == Ended(b"", was_reset=False)
    assert origin.is_untouched()


async def test_the_end_of_a_stops_patience_cuts_what_is_left_and_records_it(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_ANSWER[:-1])
    await customer.read(len(_ANSWER) - 1)
    _stop(stage)
    stage.gateway.close()
    assert await customer.read_to_end() == Ended(b"", was_reset=True)
    assert (await backend.read_to_end()).data == b""
    line = stage.line()
    assert (line["status"], line["error"]) == (200, "read_body:closed:internal")


async def test_a_stop_that_cuts_what_was_not_answered_at_all_is_not_the_customers_leaving(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    await (await origin.accept()).head()
    _stop(stage)
    assert stage.gateway.close() == 1
    assert await customer.read_to_end() == Ended(b"", was_reset=True)
    line = stage.line()
    assert (line["status"], line["error"]) == (503, "read_head:closed:internal")
