"""Bodies and pages as Flask writes them, and what counts as JSON."""

from __future__ import annotations

import math

import pytest

from legacy_stub.flask_style import HttpError, Request, error_page, json_answer, read_json, redirect


def request(content_type: str, body: bytes) -> Request:
    return Request(method="POST", target="/", content_type=content_type, body=body)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ([], b"[]\n"),
        ({"b": 1.0, "a": None}, b'{"a":null,"b":1.0}\n'),
        ("ção 🎨", b'"\\u00e7\\u00e3o \\ud83c\\udfa8"\n'),
        (math.inf, b"Infinity\n"),
    ],
)
def test_json_is_sorted_compact_ascii_and_ends_in_a_newline(value: object, body: bytes) -> None:
    answer = json_answer(value)
    assert answer.body == body
    assert answer.headers == (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    )


def test_the_page_for_a_body_too_large_has_the_shape_of_the_recorded_ones() -> None:
    """413 is in no recording: the original had no limit."""
    assert error_page(413).body == (
        b"<!doctype html>\n<html lang=en>\n<title>413 Request Entity Too Large</title>\n"
        b"<h1>Request Entity Too Large</h1>\n"
        b"<p>The data value transmitted exceeds the capacity limit.</p>\n"
    )


def test_a_redirect_page_cannot_be_broken_out_of() -> None:
    """The page shows the address as text; quotes are escaped the way the original does."""
    answer = redirect("http://h/?%3C", shown="http://h/?\"'<")
    assert ("Location", "http://h/?%3C") in answer.headers
    assert b'<a href="http://h/?&#34;&#39;&lt;">http://h/?&#34;&#39;&lt;</a>' in answer.body


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON ; charset=latin-1", True),
        ("application/vnd.api+json", True),
        ("application/+json", True),
        ("", False),
        ("text/json", False),
        ("text/x+json", False),
        ("application/json, text/plain", False),
        ("application /json", False),
        ('"application/json"', False),
    ],
)
def test_only_application_json_and_its_suffix_are_json(content_type: str, *, is_json: bool) -> None:
    if is_json:
        assert read_json(request(content_type, b"{}")) == {}
        return
    with pytest.raises(HttpError) as caught:
        read_json(request(content_type, b"{}"))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"\x00", b"'x'", b"\xef\xbb\xbf\xef\xbb\xbf{}", b"1" * 5000]
)
def test_a_body_that_is_not_json_is_refused_with_400(body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_json(request("application/json", body))
    assert caught.value.status == 400
