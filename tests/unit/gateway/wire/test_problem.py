"""The gateway's own answers are whole, exact, and name no software."""

from __future__ import annotations

import json

import pytest

from gateway.wire.problem import (
    UPSTREAM_DETAILS,
    UPSTREAM_TITLES,
    prefers_page,
    problem_parts,
    write_problem,
)


def _split(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    assert len(dict(fields)) == len(fields), "a field is there twice"
    return first, dict(fields), body


_DATE = "Mon, 23 Nov 2026 18:45:00 GMT"


def _write(
    status: int = 400,
    detail: str = "No.",
    *,
    head: bool = False,
    keep_alive: bool = True,
    as_page: bool = False,
) -> bytes:
    parts = problem_parts(status, "Bad Request", detail, date=_DATE, as_page=as_page)
    return write_problem(status, "Bad Request", parts, head=head, keep_alive=keep_alive)


def test_a_person_gets_a_page_that_shows_nothing_it_was_not_meant_to() -> None:
    first, fields, body = _split(_write(detail="<script>", as_page=True))
    assert first == b"HTTP/1.1 400 Bad Request"
    assert fields[b"Content-Type"] == b"text/html; charset=utf-8"
    assert int(fields[b"Content-Length"]) == len(body)
    assert b"<h1>Bad Request</h1>\n<p>&lt;script&gt;</p>" in body


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(b"text/html,application/xhtml+xml,*/*;q=0.8", True, id="browser"),
        pytest.param(b"Text/HTML; q=0.9", True, id="any-case"),
        pytest.param(b"application/json, text/html", True, id="both"),
        pytest.param(b"application/json, text/html;q=0.9", False, id="data-rather"),
        pytest.param(b"application/json;q=0.5, text/html;q=0.9", True, id="page-rather"),
        pytest.param(b"text/html;q=0", False, id="no-page"),
        pytest.param(b"text/html;q=x", False, id="a-weight-that-is-none"),
        pytest.param(b"*/*", False, id="anything"),
        pytest.param(b"image/png", False, id="something-else"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_a_page_is_for_those_who_ask_for_one(accept: bytes, expected: bool) -> None:
    assert prefers_page(accept) is expected


def test_an_answer_says_when_it_was_made() -> None:
    assert _split(_write())[1][b"Date"] == _DATE.encode()


def test_an_answer_without_content_has_none() -> None:
    _, fields, body = _split(_write(204))
    assert (body, b"Content-Length" in fields) == (b"", False)


def test_a_problem_is_valid_json_of_the_length_it_says() -> None:
    first, fields, body = _split(_write())
    assert first == b"HTTP/1.1 400 Bad Request"
    assert fields[b"Content-Type"] == b"application/problem+json"
    assert int(fields[b"Content-Length"]) == len(body)
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "No.",
    }


def test_a_problem_is_in_no_cache_afterwards() -> None:
    assert _split(_write())[1][b"Cache-Control"] == b"no-store"


def test_head_gets_the_same_head_and_no_body() -> None:
    with_body, without = _write(), _write(head=True)
    assert with_body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" == without


@pytest.mark.parametrize(
    ("keep_alive", "expected"), [(True, None), (False, b"close")], ids=["stays", "closes"]
)
def test_a_problem_says_when_the_connection_ends(keep_alive: bool, expected: bytes | None) -> None:
    assert expected == _split(_write(keep_alive=keep_alive))[1].get(b"Connection")


@pytest.mark.parametrize(
    ("status", "expected"), [(503, b"1"), (502, None), (504, None), (400, None)]
)
def test_only_a_lack_of_room_asks_to_try_again_soon(status: int, expected: bytes | None) -> None:
    assert expected == _split(_write(status))[1].get(b"Retry-After")


def test_the_length_counts_bytes_not_characters() -> None:
    _, fields, body = _split(_write(detail="Não há."))
    assert int(fields[b"Content-Length"]) == len(body)
    assert json.loads(body)["detail"] == "Não há."


@pytest.mark.parametrize("status", [502, 503, 504])
def test_upstream_failures_have_their_own_words_and_name_no_software(status: int) -> None:
    title, detail = UPSTREAM_TITLES[status], UPSTREAM_DETAILS[status]
    parts = problem_parts(status, title, detail, date=_DATE)
    answer = write_problem(status, title, parts, head=False, keep_alive=True).lower()
    assert answer.startswith(b"http/1.1 %d " % status)
    assert not [word for word in (b"figueira", b"python", b"uvicorn", b"server:") if word in answer]
