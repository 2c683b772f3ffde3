"""Events as they are read from the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from legacy_stub.feed.events import id_of_read, read_payload, timestamp

FEED = "5b78f95f-e723-424b-846a-7fff24ddfab9"


def test_what_is_no_utf_8_is_shown_and_holds_nobody_up() -> None:
    assert read_payload(b'{"name":"a\xffb"}') == {"name": "a�b"}


def test_a_moment_is_written_as_the_triggers_write_it() -> None:
    moment = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)
    assert timestamp(moment) == "2026-11-24T01:02:03.456Z"
    assert timestamp(moment.astimezone(timezone(timedelta(hours=-3)))) == timestamp(moment)


def test_each_life_of_a_row_has_an_event_of_its_own_in_a_snapshot() -> None:
    one = id_of_read(FEED, "product", 7, 0)
    assert one == id_of_read(FEED, "product", 7, 0)
    others = {
        id_of_read(FEED, "product", 7, 3),
        id_of_read(FEED, "product", 8, 0),
        id_of_read(FEED, "image", 7, 0),
        id_of_read("00000000-e723-424b-846a-7fff24ddfab9", "product", 7, 0),
    }
    assert len({one, *others}) == 5
