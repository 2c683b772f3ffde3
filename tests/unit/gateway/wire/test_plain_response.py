"""Which answers need no parser, and what is read of them."""

from __future__ import annotations

import pytest

from gateway.wire.inbound import MAX_FIELDS, MAX_HEAD_BYTES, Body
from gateway.wire.plain_response import LastHead, read_plain_response
from gateway.wire.response import write_response


def _answer(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([first, *lines, b"Content-Length: 2", b"", b"ok"])


def test_an_answer_is_read_and_its_head_crosses_as_it_came() -> None:
    data = _answer(b"Date: Mon", b"set-COOKIE: a=b", first=b"HTTP/1.1 404 Nicht da")
    found = read_plain_response(data, LastHead())
    assert found is not None
    outbound, head_bytes = found
    assert (outbound.status, outbound.reason) == (404, b"Nicht da")
    assert (outbound.body, outbound.length) == (Body.LENGTH, 2)
    assert outbound.keep_alive
    assert outbound.head == data[:head_bytes] == data[:-2]
    assert outbound.lines == [
        (b"Date", b"Mon"),
        (b"set-COOKIE", b"a=b"),
        (b"Content-Length", b"2"),
    ]


def test_the_body_need_not_have_come() -> None:
    found = read_plain_response(_answer()[:-2], LastHead())
    assert found is not None
    assert found[1] == len(_answer()) - 2


def test_what_speaks_of_the_connection_is_left_out() -> None:
    data = _answer(b"Connection: keep-alive", b"Keep-Alive: timeout=5", b"A: b")
    found = read_plain_response(data, LastHead())
    assert found is not None
    assert found[1] == len(data) - 2
    assert found[0].head == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\n"


def test_a_customer_who_leaves_or_is_old_gets_the_head_written_anew() -> None:
    found = read_plain_response(_answer(b"A: b"), LastHead())
    assert found is not None
    fields = b"A: b\r\nContent-Length: 2\r\n"
    assert write_response(found[0], to_http11=True, keep_alive=False) == (
        b"HTTP/1.1 200 OK\r\n" + fields + b"Connection: close\r\n\r\n"
    )
    assert write_response(found[0], to_http11=False, keep_alive=True) == (
        b"HTTP/1.1 200 OK\r\n" + fields + b"Connection: keep-alive\r\n\r\n"
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_answer()[:-3], id="a head that is not complete"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="no fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", id="a body of unknown length"),
        pytest.param(b"\r\n" + _answer(), id="an empty line first"),
        pytest.param(_answer(first=b"HTTP/1.0 200 OK"), id="an older version"),
        pytest.param(_answer(first=b"HTTP/1.1 200"), id="no space behind the status"),
        pytest.param(_answer(first=b"HTTP/1.1 200 O\rK"), id="a control in the reason"),
        pytest.param(_answer(first=b"HTTP/1.1 100 Continue"), id="an interim answer"),
        pytest.param(_answer(first=b"HTTP/1.1 101 Switching"), id="another protocol"),
        pytest.param(_answer(first=b"HTTP/1.1 204 No Content"), id="no body may come"),
        pytest.param(_answer(first=b"HTTP/1.1 304 Not Modified"), id="no body will come"),
        pytest.param(_answer(first=b"HTTP/1.1 600 What"), id="no status"),
        pytest.param(_answer(b"Content-Length: 2"), id="two lengths"),
        pytest.param(_answer(b"Content-Length: 3"), id="two lengths that differ"),
        pytest.param(_answer(b"Transfer-Encoding: chunked"), id="a coding"),
        pytest.param(_answer(b"Connection: close"), id="the last answer"),
        pytest.param(_answer(b"Connection: keep-alive, A", b"A: b"), id="a named field"),
        pytest.param(_answer(b"Upgrade: h2c"), id="an offer"),
        pytest.param(_answer(b"A:b"), id="no space before a value"),
        pytest.param(_answer(b"A: b "), id="a space behind a value"),
        pytest.param(_answer(b" A: b"), id="a folded line"),
        pytest.param(_answer(b"A: b\n"), id="a bare line feed"),
        pytest.param(_answer(b"A: \x00"), id="a control"),
        pytest.param(_answer(*[b"A: b"] * MAX_FIELDS), id="too many fields"),
        pytest.param(_answer(b"A: " + b"b" * MAX_HEAD_BYTES), id="a head too large"),
    ],
)
def test_all_others_are_the_parsers(data: bytes) -> None:
    assert read_plain_response(data, LastHead()) is None


_SAID = _answer(b"A: b")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([_SAID] * 4, id="the same"),
        pytest.param(
            [_SAID, _SAID, _SAID.replace(b"A: b", b"A: c")] * 2, id="as long, not the same"
        ),
        pytest.param([_SAID, _SAID, _answer(b"A: bc"), _SAID, _SAID], id="longer"),
        pytest.param([_SAID, _SAID, _SAID[:-9], _SAID], id="a head that is not complete"),
        pytest.param([_SAID, _SAID, _answer(b"A: b", b"Content-Length: 2")], id="two lengths"),
        pytest.param([_SAID, _SAID, _SAID[:-1], _SAID + b"more"], id="bodies that differ"),
        pytest.param([_answer(b"Connection: keep-alive")] * 4, id="what speaks of the connection"),
    ],
)
def test_what_came_before_on_the_connection_changes_nothing(answers: list[bytes]) -> None:
    last = LastHead()
    for answer in answers:
        found, alone = read_plain_response(answer, last), read_plain_response(answer, LastHead())
        assert (found is None) == (alone is None)
        if found and alone:
            assert found[1] == alone[1]
            for name in ("status", "reason", "head", "lines", "body", "length", "keep_alive"):
                assert getattr(found[0], name) == getattr(alone[0], name)


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        (b"A: b", True),
        (b"Set-Cookie: a=b", False),
        (b"location: /orders/7", False),
        (b"A: " + b"b" * 4_000, False),
    ],
)
def test_a_head_is_kept_unless_it_holds_a_customers_own(line: bytes, is_kept: bool) -> None:
    last = LastHead()
    for _ in range(3):
        assert read_plain_response(_answer(line), last)
    assert (last.outbound is not None) is is_kept
    assert (line in last.head) is is_kept
