"""Nothing ambiguous is forwarded: it is refused, said so, logged, and the connection closed."""

from __future__ import annotations

import json

import pytest

from gateway.routing.snapshot import Backend
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.payloads import PAYLOADS, Payload
from tests.conformance.doors.stage import Stage, at_port, shop
from tests.conformance.doors.wire import settle

_GOOD = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
_BAD = b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"


@pytest.fixture
async def forked_stage(open_stage: OpenStage, origin: Origin) -> Stage:
    """A door with a second backend below ``/new``."""
    stage = await open_stage()
    old = stage.backend()
    new = Backend(name="new", addresses=at_port(origin.port))
    stage.gateway.install(shop(old, new), 1)
    return stage


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.id)
async def test_what_can_be_read_in_two_ways_is_refused_and_reaches_no_backend(
    forked_stage: Stage, origin: Origin, payload: Payload
) -> None:
    # Path refusals leave the connection in order: closing is the customer's wish there.
    sent = payload.sent.replace(
        b"\r\nHost: shop\r\n\r\n", b"\r\nHost: shop\r\nConnection: close\r\n\r\n"
    )
    customer = await forked_stage.ask(sent if payload.id.startswith("target-") else payload.sent)
    ended = await customer.read_to_end()
    head, _, body = ended.data.partition(b"\r\n\r\n")
    status = 431 if "endless" in payload.id else payload.status
    assert int(head.split(b" ")[1]) == status
    assert b"\r\nConnection: close" in head
    assert json.loads(body)["status"] == status
    assert forked_stage.line()["status"] == status
    assert forked_stage.open_connections() == 0
    assert origin.is_untouched()


async def test_there_are_enough_payloads_and_each_has_its_name() -> None:
    assert len({payload.id for payload in PAYLOADS}) == len(PAYLOADS) >= 60


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.id)
async def test_what_is_refused_behind_a_good_request_harms_neither_its_answer_nor_a_backend(
    forked_stage: Stage, origin: Origin, payload: Payload
) -> None:
    customer = await forked_stage.ask(_GOOD + payload.sent)
    backend = await origin.accept()
    # Until the first answer is complete, not a byte of the refusal may come.
    await backend.head()
    await backend.send(_ANSWER[:-1])
    assert await customer.read(len(_ANSWER) - 1) == _ANSWER[:-1]
    assert not await customer.has_bytes()
    await backend.send(_ANSWER[-1:])
    assert await customer.read(1) == _ANSWER[-1:]
    head = await customer.read_until(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) in {400, 414, 431, 501, 505}
    assert not await backend.has_bytes()
    assert origin.is_untouched()


@pytest.mark.parametrize(
    "fields",
    [b"Host: a\r\nHost: b\r\n", b"", b"Host: a b\r\n", b"Host: a\r\nContent-Length: x\r\n"],
    ids=["two-hosts", "no-host", "bad-host", "bad-length"],
)
async def test_a_refused_head_gets_no_body(stage: Stage, fields: bytes) -> None:
    """Whoever asked knows that none follows, and would take it for the next answer."""
    customer = await stage.ask(b"HEAD / HTTP/1.1\r\n" + fields + b"\r\n")
    ended = await customer.read_to_end()
    assert ended.data.endswith(b"\r\n\r\n")


async def test_a_request_behind_a_refused_one_is_not_served(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_BAD + _GOOD)
    ended = await customer.read_to_end()
    assert ended.data.count(b"HTTP/1.1 ") == 1
    assert origin.is_untouched()


async def test_nothing_sent_by_a_customer_is_repeated_in_a_refusal(stage: Stage) -> None:
    customer = await stage.ask(b"GET /<script> HTTP/1.1\r\nHost: <script>\r\n\r\n")
    assert b"script" not in (await customer.read_to_end()).data


async def test_an_upload_that_turns_out_malformed_never_looks_complete_to_the_backend(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(
        b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    backend = await origin.accept()
    await backend.head()
    assert await backend.read_until(b"hello\r\n") == b"5\r\nhello\r\n"
    await customer.send(b"5\nworld\r\n0\r\n\r\n")
    assert (await backend.read_to_end()).data == b""
    assert (await customer.read_to_end()).data.startswith(b"HTTP/1.1 400 ")
    line = stage.line()
    assert (line["status"], line["error"]) == (400, "send_body:protocol:downstream")


async def test_a_refusal_is_never_written_into_an_answer_in_progress(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(
        b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    backend = await origin.accept()
    await backend.head()
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
    await backend.send(begun + b"\r\nhello")
    await customer.read_until(b"hello")
    await customer.send(b"not a chunk size\r\n")
    ended = await customer.read_to_end()
    assert (ended.data, ended.was_reset) == (b"", True)
    line = stage.line()
    assert (line["status"], line["error"]) == (200, "read_body:protocol:downstream")


async def test_the_bytes_of_a_body_are_never_read_as_a_request_after_an_offer_to_switch(
    stage: Stage, origin: Origin
) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n" % len(inner)
    customer = await stage.ask(head + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + inner)
    backend = await origin.accept()
    assert await backend.head() == head + b"\r\n"
    assert await backend.read(len(inner)) == inner
    await backend.send(_ANSWER)
    assert (await customer.read_to_end()).data.count(b"HTTP/1.1 ") == 1
    assert origin.is_untouched()


async def test_a_chunked_body_behind_an_offer_to_switch_crosses_piece_by_piece(
    stage: Stage, origin: Origin
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n"
    customer = await stage.ask(head + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n3\r\nab")
    backend = await origin.accept()
    assert await backend.head() == head + b"\r\n"
    assert await backend.read_until(b"ab\r\n") == b"2\r\nab\r\n"
    await customer.send(b"c\r\n0\r\n\r\nGET /behind HTTP/1.1\r\n")
    assert await backend.read_until(b"0\r\n\r\n") == b"1\r\nc\r\n0\r\n\r\n"
    await backend.send(_ANSWER)
    assert (await customer.read_to_end()).data.endswith(b"Connection: close\r\n\r\nhi")


async def test_a_head_behind_other_requests_in_one_packet_is_measured_exactly(
    stage: Stage, origin: Origin
) -> None:
    large = b"GET /large HTTP/1.1\r\nHost: shop\r\nX: " + b"y" * 60_000 + b"\r\n\r\n"
    customer = await stage.ask(_GOOD * 3 + large)
    backend = await origin.accept()
    for _ in range(3):
        await backend.serve(_ANSWER)
    assert (await backend.serve(_ANSWER)).startswith(b"GET /large ")
    assert await customer.read(len(_ANSWER) * 4) == _ANSWER * 4
    await settle()
    assert [line["status"] for line in stage.lines(4)] == [200] * 4
