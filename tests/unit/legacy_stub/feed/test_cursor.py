"""The text that a reader keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_stub.feed.cursor import AGGREGATES, LARGEST, Cursor, CursorError, Row, mark, parse

MARKS = st.text("0123456789abcdef", min_size=8, max_size=8)
ROWS = st.builds(
    Row,
    aggregate=st.sampled_from(AGGREGATES),
    id=st.none() | st.integers(-LARGEST, LARGEST),
) | st.builds(
    Row,
    aggregate=st.sampled_from(AGGREGATES),
    id=st.none() | st.integers(-LARGEST, LARGEST),
    seen=st.integers(0, LARGEST),
    seen_event=MARKS,
)
CURSORS = st.builds(
    Cursor,
    position=st.integers(0, LARGEST),
    feed=MARKS,
    event=MARKS,
    row=st.none() | ROWS,
)


@given(CURSORS)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert parse(str(cursor)) == cursor


def test_zero_is_the_beginning() -> None:
    assert parse("0") is None


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("42-5b78f95fc5db28dc", Cursor(position=42, feed="5b78f95f", event="c5db28dc")),
        (
            "7-5b78f95f00000000-image.12",
            Cursor(position=7, feed="5b78f95f", event="0" * 8, row=Row(aggregate="image", id=12)),
        ),
        (
            "7-5b78f95f00000000-image.12-9.c5db28dc",
            Cursor(
                position=7,
                feed="5b78f95f",
                event="0" * 8,
                row=Row(aggregate="image", id=12, seen=9, seen_event="c5db28dc"),
            ),
        ),
    ],
)
def test_a_cursor_on_the_wire(text: str, cursor: Cursor) -> None:
    assert str(cursor) == text
    assert parse(text) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "-1",
        "00",
        "42-",
        "42-5b78f95f",
        "42-5B78F95FC5DB28DC",
        "٤-5b78f95fc5db28dc",
        "42-5b78f95fc5db28dc ",
        "42-5b78f95fc5db28dc\n",
        "42-5b78f95fc5db28dc-account.1",
        "42-5b78f95fc5db28dc-image.",
        f"{LARGEST + 1}-5b78f95fc5db28dc",
        f"1-5b78f95fc5db28dc-image.{LARGEST + 1}",
        f"1-5b78f95fc5db28dc-image.{-LARGEST - 2}",
        "1-5b78f95fc5db28dc-2.c5db28dc",
        "1-5b78f95fc5db28dc-image.1-2",
        f"1-5b78f95fc5db28dc-image.1-{LARGEST + 1}.c5db28dc",
        "9" * 5000,
    ],
)
def test_what_no_answer_ever_held_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        parse(text)


@given(st.text(max_size=60))
def test_nothing_else_happens_to_any_text(text: str) -> None:
    try:
        cursor = parse(text)
    except CursorError:
        return
    assert cursor is None or parse(str(cursor)) == cursor


def test_a_mark_is_the_beginning_of_an_id() -> None:
    assert mark("5b78f95f-e723-424b-846a-7fff24ddfab9") == "5b78f95f"
    assert mark("") == "00000000"
