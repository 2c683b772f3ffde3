"""What is sent of a picture of 100 bytes whose tag is "a"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.conditional import (
    Asked,
    NotModified,
    Part,
    Reading,
    Unsatisfiable,
    Whole,
    decide_reading,
)


def _decide(
    byte_range: str | None = None,
    *,
    method: str = "GET",
    if_none_match: str | None = None,
    if_range: str | None = None,
) -> Reading:
    asked = Asked(
        method=method, if_none_match=if_none_match, if_range=if_range, byte_range=byte_range
    )
    return decide_reading(asked, etag='"a"', size_bytes=100)


@pytest.mark.parametrize(
    ("byte_range", "reading"),
    [
        ("bytes=0-0", Part(start=0, stop=1)),
        ("bytes=10-19", Part(start=10, stop=20)),
        ("Bytes= 10-19 ", Part(start=10, stop=20)),
        ("bytes=90-", Part(start=90, stop=100)),
        ("bytes=90-500", Part(start=90, stop=100)),
        ("bytes=-10", Part(start=90, stop=100)),
        ("bytes=-500", Part(start=0, stop=100)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=100-200", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=0-9,20-29", Whole()),
        ("bytes=20-10", Whole()),
        ("bytes=-", Whole()),
        ("bytes", Whole()),
        ("", Whole()),
        ("pixels=0-9", Whole()),
        ("bytes=a-b", Whole()),
        ("bytes=" + "9" * 5000 + "-", Whole()),
        ("bytes=٣-٤", Whole()),
    ],
)
def test_a_range_is_cut_out_or_ignored(byte_range: str, reading: Reading) -> None:
    assert _decide(byte_range) == reading


@pytest.mark.parametrize("tags", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a"', "*", " * "])
def test_a_client_that_holds_the_picture_gets_304(tags: str) -> None:
    """If-None-Match compares weakly (RFC 9110, section 13.1.2)."""
    assert _decide(if_none_match=tags) == NotModified()


@pytest.mark.parametrize("tags", ['"b"', "a", "", '"aa"', '"A"'])
def test_a_client_that_holds_another_picture_gets_this_one(tags: str) -> None:
    assert _decide(if_none_match=tags) == Whole()


def test_if_none_match_goes_before_range() -> None:
    assert _decide("bytes=0-9", if_none_match='"a"') == NotModified()


def test_if_range_cuts_only_what_the_client_holds_the_rest_of() -> None:
    assert _decide("bytes=0-9", if_range='"a"') == Part(start=0, stop=10)
    for other in ('"b"', 'W/"a"', "Mon, 23 Nov 2026 14:00:00 GMT"):
        assert _decide("bytes=0-9", if_range=other) == Whole()


def test_a_range_means_nothing_to_head() -> None:
    """RFC 9110, section 14.2: Range is defined for GET alone."""
    assert _decide("bytes=0-9", method="HEAD") == Whole()


_NUMBER = st.just("") | st.integers(0, 300).map(str)


@given(st.text(max_size=40) | st.builds("bytes={}-{}".format, _NUMBER, _NUMBER))
def test_a_part_lies_within_the_picture_whatever_is_asked(byte_range: str) -> None:
    reading = _decide(byte_range)
    if isinstance(reading, Part):
        assert 0 <= reading.start < reading.stop <= 100
