"""The gateway's own answers: dated, in words the customer reads, and never a loop of requests."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import WALL_S, Stage
from tests.conformance.doors.wire import settle
from tests.support.strict.messages import Answer

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LAST_VIA = b"Via: 1.0 fred, 1.1 p.example.net (figueira)\r\n"
_CLOCK_SLACK_S = 5.0


def _ask(target: bytes = b"/", fields: bytes = b"", method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: shop\r\n%b\r\n" % (method, target, fields)


async def _own_answer(stage: Stage, request: bytes) -> Answer:
    customer = await stage.ask(request)
    await customer.answer()
    return customer.answers[0]


OWN = {
    "a-malformed-request": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a-path-that-readers-disagree-on": _ask(b"/%00"),
    "a-backend-that-is-down": _ask(),
    "a-head-that-is-asked-for": _ask(b"/%00", method=b"HEAD"),
}


@pytest.mark.parametrize("request_", OWN.values(), ids=OWN)
async def test_an_answer_of_our_own_says_when_it_was_made(
    stage: Stage, origin: Origin, request_: bytes
) -> None:
    """A server with a clock must (RFC 9110, section 6.6.1)."""
    origin.close()
    (date,) = (await _own_answer(stage, request_)).values(b"date")
    assert date.endswith(b" GMT")
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - WALL_S) < _CLOCK_SLACK_S


async def test_a_backends_answer_keeps_its_own_date(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_ask())
    dated = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
    await (await origin.accept()).serve(dated)
    assert await customer.answer() == dated


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer says that it reads, and what it gets."""

    id: str
    accept: bytes
    is_html: bool


WISHES = [
    Wish("nothing", b"", is_html=False),
    Wish("anything", b"Accept: */*\r\n", is_html=False),
    Wish("json", b"Accept: application/json\r\n", is_html=False),
    Wish("problem", b"Accept: application/problem+json\r\n", is_html=False),
    Wish("html-never", b"Accept: text/html;q=0, */*\r\n", is_html=False),
    Wish("html-less", b"Accept: text/html;q=0.5, application/json\r\n", is_html=False),
    Wish("junk", b"Accept: ;;q=,/\r\n", is_html=False),
    Wish(
        "a-browser",
        b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
        is_html=True,
    ),
    Wish("html-alone", b"accept: text/HTML\r\n", is_html=True),
    Wish("html-more", b"Accept: application/json;q=0.2, text/html;q=0.3\r\n", is_html=True),
]


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.id)
@pytest.mark.parametrize("target", [b"/%00", b"/"], ids=["refused", "backend-down"])
async def test_an_answer_of_our_own_is_in_words_that_the_customer_reads(
    stage: Stage, origin: Origin, wish: Wish, target: bytes
) -> None:
    origin.close()
    answer = await _own_answer(stage, _ask(target, wish.accept))
    (kind,) = answer.values(b"content-type")
    assert kind.split(b";")[0] == (b"text/html" if wish.is_html else b"application/problem+json")
    assert answer.values(b"cache-control") == [b"no-store"]
    assert str(answer.status).encode() in answer.body
    assert b"figueira" not in bytes(answer.body).lower()


@pytest.mark.parametrize(
    ("method", "fields", "passed"),
    [
        pytest.param(b"GET", b"Max-Forwards: 0\r\n", b"0", id="means-nothing-in-a-get"),
        pytest.param(b"GET", b"Max-Forwards: 7\r\n", b"7", id="is-not-counted-in-a-get"),
        *(
            pytest.param(
                b"OPTIONS",
                b"Max-Forwards: %d\r\n" % hops,
                b"%d" % (hops - 1),
                id=f"counted-down-from-{hops}",
            )
            for hops in (1, 2, 10)
        ),
    ],
)
async def test_max_forwards_is_counted_down_where_it_means_something(
    stage: Stage, origin: Origin, method: bytes, fields: bytes, passed: bytes
) -> None:
    """RFC 9110, section 7.6.2."""
    await stage.ask(_ask(b"/a", fields, method))
    backend = await origin.accept()
    await backend.head()
    assert backend.requests[0].values(b"max-forwards") == [passed]


@pytest.mark.parametrize("target", [b"/a", b"*"], ids=["path", "star"])
async def test_an_options_request_at_the_end_of_its_way_is_answered_here(
    stage: Stage, origin: Origin, target: bytes
) -> None:
    customer = await stage.ask(_ask(target, b"Max-Forwards: 0\r\n", b"OPTIONS"))
    await settle()
    assert origin.is_untouched()
    await customer.answer()
    assert 200 <= customer.answers[0].status < 300


async def test_trace_is_refused_however_far_it_may_go(stage: Stage, origin: Origin) -> None:
    for hops in (b"0", b"5"):
        request = _ask(b"/", b"Max-Forwards: %b\r\n" % hops, b"TRACE")
        assert (await _own_answer(stage, request)).status == 501
    assert origin.is_untouched()


async def test_a_request_that_comes_back_is_refused(open_stage: OpenStage) -> None:
    """A backend whose address leads back here: each request would take every connection."""
    stage = await open_stage(max_connections=8)
    stage.install(stage.backend(port=stage.port))
    customer = await stage.ask(_ask())
    await settle()
    stage.pass_time(61.0)
    await customer.answer()
    assert customer.answers[0].status in {502, 508}
    assert stage.state.total_requests <= 3


@pytest.mark.parametrize("via", [b"", b"Via: 1.1 other\r\n", _LAST_VIA], ids=["none", "one", "two"])
async def test_a_request_that_came_through_others_is_served_and_says_so(
    stage: Stage, origin: Origin, via: bytes
) -> None:
    customer = await stage.ask(_ask(fields=via))
    backend = await origin.accept()
    assert await backend.head() == _ask(fields=via)
    assert backend.requests[0].values(b"via")[-1] == b"1.1 figueira"
    await backend.send(_ANSWER)
    assert await customer.answer() == _ANSWER
