"""Connections to a backend: never more than allowed, in order, and gone when not needed."""

from __future__ import annotations

from dataclasses import replace

from gateway.routing.snapshot import Timeouts
from tests.conformance.doors.conftest import NewOrigin, OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle, until

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _get(path: str) -> bytes:
    return f"GET /{path} HTTP/1.1\r\nHost: s\r\n\r\n".encode()


async def test_requests_beyond_the_limit_wait_and_are_served_in_order(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=2)
    customers = []
    for number in range(4):
        customers.append(await stage.ask(_get(str(number))))
        await settle()
    first, second = await origin.accept(), await origin.accept()
    assert origin.is_untouched()
    assert (await first.head()).startswith(b"GET /0 ")
    assert (await second.head()).startswith(b"GET /1 ")
    await second.send(_ANSWER)
    assert (await second.head()).startswith(b"GET /2 ")
    await first.send(_ANSWER)
    assert (await first.head()).startswith(b"GET /3 ")
    for backend in (first, second):
        await backend.send(_ANSWER)
    for customer in customers:
        assert await customer.read(len(_ANSWER)) == _ANSWER
    assert stage.open_connections() == 2


async def test_requests_beyond_the_queue_are_asked_to_come_back(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=1)
    served = await stage.ask(_get("served"))
    backend = await origin.accept()
    await backend.head()
    await stage.ask(_get("waits"))
    await settle()
    refused = await stage.ask(_get("refused"))
    head = await refused.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 1\r\n" in head
    line = stage.line()
    assert (line["status"], line["error"]) == (503, "queue:overload:internal")
    await backend.send(_ANSWER)
    assert await served.read(len(_ANSWER)) == _ANSWER
    assert (await backend.head()).startswith(b"GET /waits ")


async def test_a_customer_who_leaves_while_it_waits_is_forgotten(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=1)
    await stage.ask(_get("served"))
    backend = await origin.accept()
    await backend.head()
    impatient = await stage.ask(_get("impatient"))
    await settle()
    impatient.close()
    await until(lambda: len(stage.gateway.doors) == 1)
    patient = await stage.ask(_get("patient"))
    await settle()
    await backend.send(_ANSWER)
    assert (await backend.head()).startswith(b"GET /patient ")
    await backend.send(_ANSWER)
    assert await patient.read(len(_ANSWER)) == _ANSWER
    line = stage.line()
    assert (line["status"], line["error"]) == (499, "queue:closed:downstream")


async def test_a_customer_who_waits_too_long_is_asked_to_come_back(
    open_stage: OpenStage, origin: Origin
) -> None:
    timeouts = Timeouts(first_byte_s=20.0, idle_s=600.0)
    stage = await open_stage(max_connections=1, timeouts=timeouts)
    await stage.ask(b"POST /served HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\n")
    backend = await origin.accept()
    await backend.head()
    waiting = await stage.ask(_get("waits"))
    await settle()
    stage.pass_time(21.0)
    assert (await waiting.read_until(b"\r\n")) == b"HTTP/1.1 503 Service Unavailable\r\n"
    assert stage.line()["error"] == "queue:overload:upstream"
    await backend.send(_ANSWER)
    await until(lambda: stage.open_connections() == 0)


async def test_a_backend_gets_all_the_time_that_it_is_given(
    open_stage: OpenStage, origin: Origin
) -> None:
    """Though the gateway looks at its timeouts only from time to time."""
    stage = await open_stage(timeouts=Timeouts(first_byte_s=20.0, idle_s=20.0))
    stage.gateway.now_s -= 5.0  # when it looked last
    customer = await stage.ask(_get("slow"))
    backend = await origin.accept()
    await backend.head()
    stage.pass_time(18.0)
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    assert (await customer.read_until(b"\r\n\r\no")).startswith(b"HTTP/1.1 200 OK\r\n")
    stage.gateway.now_s -= 5.0
    stage.pass_time(0.0)
    await backend.send(b"k")
    assert await customer.read(1) == b"k"


async def test_a_customer_who_was_told_to_go_on_and_does_not_is_the_one_who_is_late(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(timeouts=Timeouts(first_byte_s=60.0, idle_s=20.0))
    customer = await stage.ask(
        b"POST / HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
    backend = await origin.accept()
    await backend.head()
    await backend.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert await customer.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    stage.pass_time(21.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 408 Request Timeout\r\n"
    assert stage.line()["error"] == "send_body:timeout:downstream"


async def test_a_head_that_drips_in_has_no_more_time_than_one_that_does_not_come(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(timeouts=Timeouts(first_byte_s=20.0, idle_s=20.0))
    customer = await stage.ask(_get("drips"))
    backend = await origin.accept()
    await backend.head()
    await backend.send(b"HTTP/1.1 200 OK\r\nX: ")
    stage.pass_time(15.0)
    await backend.send(b"x")
    await settle()
    stage.pass_time(6.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"


async def test_who_sips_at_a_large_answer_does_not_keep_the_backend_from_others(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(
        max_connections=1, timeouts=Timeouts(first_byte_s=6000.0, idle_s=6000.0)
    )
    sipping = await stage.customer(receive_buffer_bytes=4096)
    await sipping.send(_get("large"))
    backend = await origin.accept()
    await backend.head()
    await backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    await backend.send_while_taken(bytes(65536), 64 << 20)
    for _ in range(4):
        await sipping.read(65536)
        stage.pass_time(20.0)
    stage.pass_time(600.0)
    assert stage.open_connections() == 1, "nobody else wants it"
    waiting = await stage.ask(_get("waits"))
    await settle()
    stage.pass_time(1.0)
    await (await origin.accept()).serve(_ANSWER)
    assert await waiting.read(len(_ANSWER)) == _ANSWER
    assert stage.line()["error"] == "read_body:timeout:downstream"


async def test_a_waiting_request_gets_a_new_connection_when_the_one_before_is_lost(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=1)
    broken = await stage.ask(_get("broken"))
    backend = await origin.accept()
    await backend.head()
    waiting = await stage.ask(_get("waits"))
    await settle()
    backend.reset()
    assert (await broken.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    await (await origin.accept()).serve(_ANSWER)
    assert await waiting.read(len(_ANSWER)) == _ANSWER


async def test_every_waiting_request_hears_that_its_backend_is_down(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=2)
    origin.close()
    customers = [await stage.ask(_get(str(number))) for number in range(4)]
    for customer in customers:
        assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert stage.open_connections() == 0


async def test_an_idle_connection_is_closed_before_its_backend_would(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_get("1"))
    backend = await origin.accept()
    await backend.serve(_ANSWER)
    await customer.read(len(_ANSWER))
    stage.pass_time(3.5)
    assert stage.open_connections() == 1
    stage.pass_time(1.0)
    assert (await backend.read_to_end()).data == b""
    assert stage.open_connections() == 0


async def test_a_new_revision_serves_new_requests_while_old_ones_end_in_peace(
    stage: Stage, origin: Origin, new_origin: NewOrigin
) -> None:
    replacement = new_origin()
    old_customer = await stage.ask(_get("old"))
    idle_customer = await stage.ask(_get("idle"))
    old, idle = await origin.accept(), await origin.accept()
    if (await old.head()).startswith(b"GET /idle "):
        old, idle = idle, old
        await old.head()
    else:
        await idle.head()
    await idle.send(_ANSWER)
    await idle_customer.read(len(_ANSWER))
    stage.install(stage.backend(port=replacement.port))
    # What was idle goes at once, what serves goes behind its answer; both are seen until then.
    assert (await idle.read_to_end()).data == b""
    assert stage.open_connections() == 1
    new_customer = await stage.ask(_get("new"))
    new = await replacement.accept()
    assert (await new.serve(_ANSWER)).startswith(b"GET /new ")
    assert await new_customer.read(len(_ANSWER)) == _ANSWER
    await old.send(_ANSWER)
    assert await old_customer.read(len(_ANSWER)) == _ANSWER
    assert (await old.read_to_end()).data == b""
    await until(lambda: stage.open_connections() == 1)
    by_path = {line["path"]: line["revision"] for line in stage.lines(3)}
    assert by_path == {"/old": 1, "/idle": 1, "/new": 2}
    counters = stage.gateway.counters()
    assert [sum(lane.by_class) for lane in counters.lanes] == [3]


async def test_requests_that_wait_for_an_old_pool_are_still_served_by_it(
    open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(max_connections=1)
    first = await stage.ask(_get("first"))
    backend = await origin.accept()
    await backend.head()
    second = await stage.ask(_get("second"))
    await settle()
    stage.install(stage.backend(max_connections=9))
    await backend.send(_ANSWER)
    assert (await backend.head()).startswith(b"GET /second ")
    await backend.send(_ANSWER)
    for customer in (first, second):
        assert await customer.read(len(_ANSWER)) == _ANSWER
    assert (await backend.read_to_end()).data == b""


async def test_a_revision_that_leaves_a_backend_as_it_is_keeps_its_connections(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_get("1"))
    backend = await origin.accept()
    await backend.serve(_ANSWER)
    await customer.read(len(_ANSWER))
    stage.install(replace(stage.backend()))
    await customer.send(_get("2"))
    assert (await backend.serve(_ANSWER)).startswith(b"GET /2 ")
