"""Backends that are down or gone, what is tried again, and faults of our own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.proxy.exchange import Exchange
from gateway.routing.snapshot import Address
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("request_", "attempts"), [(_GET, 2), (_POST, 1)], ids=["get-is-repeated", "post-is-not"]
)
async def test_a_request_on_a_connection_gone_stale_is_repeated_only_if_that_is_safe(
    stage: Stage, origin: Origin, request_: bytes, attempts: int
) -> None:
    first = await stage.ask(_GET)
    stale = await origin.accept()
    await stale.serve(_ANSWER)
    await first.read(len(_ANSWER))
    customer = await stage.ask(request_)
    await stale.head()
    stale.reset()
    if attempts == 2:
        await (await origin.accept()).serve(_ANSWER)
        assert await customer.read(len(_ANSWER)) == _ANSWER
    else:
        assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
        assert origin.is_untouched()
    _, line = stage.lines(2)
    assert line.get("attempts", 1) == attempts
    assert line.get("error") == (None if attempts == 2 else "read_head:closed:upstream")
    assert stage.gateway.counters().lanes[0].retries == attempts - 1


async def test_a_request_is_repeated_once_and_not_twice(stage: Stage, origin: Origin) -> None:
    first = await stage.ask(_GET)
    stale = await origin.accept()
    await stale.serve(_ANSWER)
    await first.read(len(_ANSWER))
    customer = await stage.ask(_GET)
    await stale.head()
    stale.reset()
    fresh = await origin.accept()
    await fresh.head()
    fresh.reset()
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert origin.is_untouched()


async def test_a_request_is_not_repeated_once_a_byte_of_its_answer_has_come(
    stage: Stage, origin: Origin
) -> None:
    first = await stage.ask(_GET)
    stale = await origin.accept()
    await stale.serve(_ANSWER)
    await first.read(len(_ANSWER))
    customer = await stage.ask(_GET)
    await stale.head()
    await stale.send(b"H")
    await settle()
    stale.reset()
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert origin.is_untouched()


async def test_a_backend_that_is_down_is_a_502(stage: Stage, origin: Origin) -> None:
    origin.close()
    customer = await stage.ask(_POST)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    line = stage.line()
    assert (line["status"], line["error"]) == (502, "connect:refused:upstream")
    assert line["bytes_in"] == 2


async def test_a_backend_whose_name_nobody_knows_is_a_502(open_stage: OpenStage) -> None:
    stage = await open_stage(addresses=(Address(host="shop.invalid." + "x" * 64, port=80),))
    customer = await stage.ask(_GET)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert stage.line()["error"] == "connect:refused:upstream"


async def test_a_backend_that_hangs_up_as_soon_as_it_has_answered_the_phone_is_a_502(
    stage: Stage, origin: Origin
) -> None:
    """Twenty at once: among them are some whose connection ends before it was lent."""
    customers = [await stage.ask(_GET) for _ in range(20)]
    for _ in customers:
        (await origin.accept()).reset()
    for customer in customers:
        assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert {line["status"] for line in stage.lines(20)} == {502}


async def test_a_fault_of_our_own_is_a_500_with_a_log_line_and_not_the_customers_fault(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(stage.gateway, "admit", fail)
    customer = await stage.ask(_GET)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 500 Internal Server Error\r\n"
    assert [record.getMessage() for record in caplog.records] == ["request_failed"]
    assert stage.line()["status"] == 500
    assert origin.is_untouched()


async def test_a_fault_of_our_own_within_the_parser_is_a_500_as_well(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stage.gateway, "names", None)
    customer = await stage.ask(_GET[:-2] + b"Connection: close\r\n\r\n")
    assert (await customer.read_to_end()).data.startswith(b"HTTP/1.1 500 ")
    assert [record.getMessage() for record in caplog.records] == ["request_failed"]
    assert stage.line()["status"] == 500


async def test_a_fault_of_our_own_with_an_answer_is_a_500_and_no_backends_fault(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.proxy.parsed.read_response", fail)
    customer = await stage.ask(_GET)
    await (await origin.accept()).serve(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 500 Internal Server Error\r\n"
    assert [record.getMessage() for record in caplog.records] == ["answer_failed"]
    assert stage.line()["error"] == "read_head:protocol:internal"


async def test_where_the_quick_reading_of_heads_fails_the_parser_serves_and_the_log_says_so(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stage.gateway, "plain_requests", SimpleNamespace(read=fail))
    monkeypatch.setattr("gateway.proxy.upstream.read_plain_response", fail)
    customer = await stage.ask(_GET)
    await (await origin.accept()).serve(_ANSWER)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
    assert [record.getMessage() for record in caplog.records] == ["request_failed", "answer_failed"]
    assert "error" not in stage.line()


async def test_a_fault_of_our_own_in_one_sweep_stops_neither_the_sweep_nor_the_others(
    stage: Stage, origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the sweep there would be no timeouts and no access log for the worker's life."""
    customers = [await stage.ask(_GET), await stage.ask(_GET)]
    for _ in customers:
        await (await origin.accept()).head()
    broken, sound = (door._queue[0] for door in stage.gateway.doors)
    check = Exchange.check

    def fail(exchange: Exchange, now_s: float) -> None:
        if exchange is broken:
            raise ZeroDivisionError
        check(exchange, now_s)

    monkeypatch.setattr(Exchange, "check", fail)
    stage.pass_time(61.0)
    assert {record.getMessage() for record in caplog.records} == {"sweep_failed"}
    assert (sound.is_over, sound.status) == (True, 504)
