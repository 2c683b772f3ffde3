"""The one declared re-send: who is asked, whose answer counts, and what is never sent twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.routing.snapshot import Timeouts
from gateway.telemetry.counters import LaneCounters
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import settle, until
from tests.conformance.health.conftest import OpenShop

GET = b"GET /pages/7 HTTP/1.1\r\nHost: shop\r\n\r\n"


def json(body: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer in JSON."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


GOOD = json(b'{"id": 7}')
MISSING = json(b'{"detail": "no such image"}', b"404 Not Found")
SOFT_MISSING = json(b'{"error": "no such image"}')
BUSY = json(b'{"busy": true}')
UNAVAILABLE = json(b"{}", b"503 Service Unavailable")
Failing = Callable[[Stage, Origin], Awaitable[None]]


async def _answer(origin: Origin, answer: bytes) -> bytes:
    return await (await origin.accept()).serve(answer)


async def _refuses(_: Stage, origin: Origin) -> None:
    origin.close()


async def _resets(_: Stage, origin: Origin) -> None:
    backend = await origin.accept()
    await backend.head()
    backend.reset()


async def _closes(_: Stage, origin: Origin) -> None:
    backend = await origin.accept()
    await backend.head()
    backend.close()


async def _babbles(_: Stage, origin: Origin) -> None:
    await _answer(origin, b"SMTP ready\r\n\r\n")


async def _breaks_off_within_the_head(_: Stage, origin: Origin) -> None:
    backend = await origin.accept()
    await backend.serve(b"HTTP/1.1 200 OK\r\nContent-Le")
    backend.reset()


async def _hangs(stage: Stage, origin: Origin) -> None:
    await (await origin.accept()).head()
    stage.pass_time(61.0)


async def _is_full(stage: Stage, origin: Origin) -> None:
    """Its one connection is in use, and nobody may wait."""


async def _says_503(_: Stage, origin: Origin) -> None:
    await _answer(origin, UNAVAILABLE)


async def _says_502_at_length(_: Stage, origin: Origin) -> None:
    backend = await origin.accept()
    await backend.serve(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100000\r\n\r\n" + b"x" * 999)


async def _says_200_and_means_503(_: Stage, origin: Origin) -> None:
    await _answer(origin, BUSY)


async def _breaks_off_within_a_soft_error(_: Stage, origin: Origin) -> None:
    backend = await origin.accept()
    await backend.serve(BUSY[:-3])
    backend.reset()


FAILING: list[tuple[Failing, str]] = [
    (_refuses, "connect:refused:upstream"),
    (_resets, "read_head:closed:upstream"),
    (_closes, "read_head:closed:upstream"),
    (_babbles, "read_head:protocol:upstream"),
    (_breaks_off_within_the_head, "read_head:closed:upstream"),
    (_hangs, "read_head:timeout:upstream"),
    (_says_503, "status:503"),
    (_says_502_at_length, "status:502"),
    (_says_200_and_means_503, "status:503"),
    (_breaks_off_within_a_soft_error, "read_body:closed:upstream"),
]
_IDS = [failing.__name__.lstrip("_") for failing, _ in FAILING]


@pytest.mark.parametrize(("failing", "because"), FAILING, ids=_IDS)
async def test_whatever_makes_a_side_unavailable_the_other_answers(
    shop: Stage, candidate: Origin, legacy: Origin, failing: Failing, because: str
) -> None:
    customer = await shop.ask(GET)
    await failing(shop, candidate)
    assert b"GET /pages/7 HTTP/1.1\r\n" in await _answer(legacy, GOOD)
    assert await customer.answer() == GOOD
    line = shop.line()
    assert (line["status"], line["backend"], line["reason"]) == (200, "legacy", "fallback")
    assert (line["instead_of"], line["because"]) == ("candidate", because)
    assert "error" not in line


@pytest.mark.parametrize(("failing", "because"), FAILING, ids=_IDS)
@pytest.mark.parametrize("other", [MISSING, SOFT_MISSING, UNAVAILABLE, None])
async def test_if_the_other_cannot_tell_either_the_first_stands(  # noqa: PLR0917
    shop: Stage,
    candidate: Origin,
    legacy: Origin,
    failing: Failing,
    because: str,
    other: bytes | None,
) -> None:
    """A 404 of the other side would tell a customer that what was made is gone."""
    if other is None:
        legacy.close()
    customer = await shop.ask(GET)
    await failing(shop, candidate)
    if other is not None:
        await _answer(legacy, other)
    expected = {"status:503": b"503", "read_head:timeout:upstream": b"504"}.get(because, b"502")
    if failing is _says_200_and_means_503:
        expected = b"200"
    if failing is _says_502_at_length:
        start = await customer.read_until(b"\r\n\r\n")
        assert start.startswith(b"HTTP/1.1 502 ")
        await customer.count_to(999)
        return
    answer = await customer.answer()
    assert answer[9:12] == expected
    line = shop.line()
    assert (line["backend"], line["reason"]) == ("candidate", "backend")
    assert line["also_asked"] == "legacy"
    assert line.get("error", "status:503") == because


async def test_an_answer_that_was_kept_goes_on_as_if_nothing_had_been(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    backend = await candidate.accept()
    await backend.serve(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 300000\r\n\r\n" + b"a" * 999)
    await _answer(legacy, MISSING)
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 502 ")
    await backend.send(b"b" * (300_000 - 999))
    await customer.count_to(300_000)
    assert customer.is_answered
    await customer.send(GET)
    await backend.serve(GOOD)
    assert (await customer.answer())[:0] == b""
    assert await customer.answer() == GOOD


async def test_the_other_may_take_its_time_and_answer_at_length(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    await _refuse_all(candidate)
    backend = await legacy.accept()
    await backend.head()
    await backend.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await customer.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    for _ in range(3):
        await backend.send(b"3\r\nabc\r\n")
        assert await customer.read_until(b"abc\r\n") == b"3\r\nabc\r\n"
    await backend.send(b"0\r\n\r\n")
    assert await customer.read_until(b"0\r\n\r\n") == b"0\r\n\r\n"


async def _refuse_all(origin: Origin) -> None:
    """Reset whoever connects once."""
    backend = await origin.accept()
    await backend.head()
    backend.reset()


@pytest.mark.parametrize("body", [b"Content-Length: 2\r\n\r\nhi", b"Content-Length: 0\r\n\r\n"])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"GET"])
async def test_nothing_with_a_body_is_sent_twice(
    shop: Stage, candidate: Origin, legacy: Origin, method: bytes, body: bytes
) -> None:
    customer = await shop.ask(method + b" / HTTP/1.1\r\nHost: shop\r\n" + body)
    backend = await candidate.accept()
    await backend.body()
    await backend.send(UNAVAILABLE)
    assert await customer.answer() == UNAVAILABLE
    assert legacy.is_untouched()


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"PURGE"])
async def test_nothing_that_may_change_something_is_sent_twice(
    shop: Stage, candidate: Origin, legacy: Origin, method: bytes
) -> None:
    customer = await shop.ask(method + b" / HTTP/1.1\r\nHost: shop\r\n\r\n")
    await _refuse_all(candidate)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert legacy.is_untouched()


async def test_an_offer_of_another_protocol_is_made_once(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    customer = await shop.ask(b"GET / HTTP/1.1\r\nHost: shop\r\n" + upgrade)
    await _refuse_all(candidate)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    assert legacy.is_untouched()


@pytest.mark.parametrize("answer", [GOOD, MISSING, json(b"{}", b"500 Oops"), SOFT_MISSING])
async def test_an_answer_is_an_answer(
    shop: Stage, candidate: Origin, legacy: Origin, answer: bytes
) -> None:
    customer = await shop.ask(GET)
    await _answer(candidate, answer)
    assert await customer.answer() == answer
    assert legacy.is_untouched()
    assert "also_asked" not in shop.line()


async def test_an_answer_that_has_begun_is_cut_and_not_asked_for_again(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    backend = await candidate.accept()
    await backend.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    assert (await customer.read_until(b"half")).endswith(b"half")
    backend.reset()
    assert (await customer.read_to_end()).was_reset
    assert legacy.is_untouched()


async def test_hints_of_a_side_that_may_not_answer_are_dropped(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    backend = await candidate.accept()
    await backend.serve(b"HTTP/1.1 103 Early Hints\r\nLink: </candidate.css>\r\n\r\n")
    await settle()
    backend.reset()
    await _answer(legacy, GOOD)
    assert await customer.answer() == GOOD


async def test_a_soft_error_reaches_the_customer_as_it_is(shop: Stage, candidate: Origin) -> None:
    customer = await shop.ask(GET)
    backend = await candidate.accept()
    await backend.head()
    for piece in (SOFT_MISSING[:20], SOFT_MISSING[20:-9], SOFT_MISSING[-9:]):
        await backend.send(piece)
        await settle()
    assert await customer.answer() == SOFT_MISSING
    line = shop.line()
    assert (line["status"], line["counts_as"]) == (200, 404)
    lane, _ = _lanes(shop)
    assert lane.soft_errors == {"404": 1}
    assert lane.by_class == [0, 1, 0, 0, 0]


async def test_without_anybody_to_ask_a_soft_error_streams(
    open_shop: OpenShop, candidate: Origin, shop: Stage
) -> None:
    """It is looked at in passing."""
    stage = await open_shop(fallback=None, soft_errors=shop.backend().soft_errors)
    customer = await stage.ask(GET)
    backend = await candidate.accept()
    await backend.serve(SOFT_MISSING[:-9])
    assert await customer.read_until(b'{"error": "no su')
    await backend.send(SOFT_MISSING[-9:])
    assert await customer.read_until(b"}")
    assert stage.line()["counts_as"] == 404


async def test_a_customer_who_leaves_leaves_nothing_behind(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    """Neither the second exchange nor the first answer that was kept."""
    customer = await shop.ask(GET)
    backend = await candidate.accept()
    await backend.serve(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100000\r\n\r\n" + b"x" * 999)
    other = await legacy.accept()
    await other.head()
    customer.reset()
    assert (await other.read_to_end()).data == b""
    await backend.read_to_end()
    await until(lambda: shop.open_connections() == 0)
    assert shop.line()["status"] == 499


async def test_a_side_that_is_full_is_unavailable(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await open_shop(max_connections=1, max_waiting=0)
    first = await stage.ask(GET)
    busy = await candidate.accept()
    await busy.head()
    second = await stage.ask(GET)
    await _answer(legacy, GOOD)
    assert await second.answer() == GOOD
    assert stage.line()["because"] == "queue:overload:internal"
    await busy.send(GOOD)
    assert await first.answer() == GOOD


async def test_the_second_has_its_own_time(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await open_shop(
        timeouts=Timeouts(first_byte_s=2.0), other={"timeouts": Timeouts(first_byte_s=9.0)}
    )
    customer = await stage.ask(GET)
    await (await candidate.accept()).head()
    stage.pass_time(2.5)
    other = await legacy.accept()
    await other.head()
    stage.pass_time(4.0)
    await other.send(GOOD)
    assert await customer.answer() == GOOD


async def test_both_hanging_is_a_504_of_the_first(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await open_shop(timeouts=Timeouts(first_byte_s=2.0))
    customer = await stage.ask(GET)
    await (await candidate.accept()).head()
    stage.pass_time(2.5)
    await (await legacy.accept()).head()
    stage.pass_time(61.0)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 504 Gateway Timeout\r\n"
    line = stage.line()
    assert (line["backend"], line["error"]) == ("candidate", "read_head:timeout:upstream")


async def test_a_stale_connection_is_tried_again_at_the_same_side_first(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    stale = await candidate.accept()
    await stale.serve(GOOD)
    assert await customer.answer() == GOOD
    await customer.send(GET)
    await stale.head()
    stale.reset()
    await _answer(candidate, GOOD)
    assert await customer.answer() == GOOD
    assert legacy.is_untouched()


def _lanes(stage: Stage) -> list[LaneCounters]:
    """What is counted for the pages, the candidate's first."""
    lanes = [lane for lane in stage.gateway.counters().lanes if lane.route == "all"]
    return sorted(lanes, key=lambda lane: lane.backend)


async def test_what_is_counted_tells_both_sides(
    shop: Stage, candidate: Origin, legacy: Origin
) -> None:
    customer = await shop.ask(GET)
    await _refuse_all(candidate)
    await _answer(legacy, GOOD)
    await customer.answer()
    ill, well = _lanes(shop)
    assert (ill.backend, sum(ill.by_class), ill.resends) == ("candidate", 0, {"fallback": 1})
    assert ill.errors == {"read_head:closed:upstream": 1}
    assert (well.backend, well.by_class, well.by_reason) == (
        "legacy",
        [0, 1, 0, 0, 0],
        {"fallback": 1},
    )
