"""What the feed says, read and judged."""

from __future__ import annotations

import pytest

from image_service.backfill.errors import NotAFeedError
from image_service.backfill.events import Gone, Picture, Put, Refused, fold, read_page
from image_service.models import FIRST_ID
from tests.unit.image_service.backfill.documents import SHA, event, page


def test_a_row_is_read_with_its_picture() -> None:
    file = {"version": 5, "bytes": 7, "sha256": SHA, "content_type": "image/png", "url": "/x"}
    document = page(
        event(5, 1, "update", status="pronta", file=file, created_at="1970-01-01T00:00:01Z")
    )
    [told] = read_page(document).told
    assert told.change == Put(
        image_id=1,
        product_id=None,
        prompt="praia",
        size="256x256",
        status="pronta",
        created_at=1.0,
        picture=Picture(version=5, size_bytes=7, sha256=SHA),
    )


def test_products_and_ids_of_our_own_are_not_ours_to_import() -> None:
    product = {**event(1, 1, "create"), "aggregatetype": "product"}
    own = [event(2, FIRST_ID, "create"), event(3, FIRST_ID, "delete")]
    last = event(4, FIRST_ID - 1, "create")
    told = read_page(page(product, *own, last)).told
    assert [one.change.image_id for one in told] == [FIRST_ID - 1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt": {"base16": "00FF"}}, "prompt"),
        ({"prompt": "\ud800"}, "half a character"),
        ({"product_id": "abc"}, "product_id 'abc'"),
        ({"product_id": 1.5}, "product_id 1.5"),
        ({"product_id": True}, "product_id True"),
        ({"product_id": 2**63}, "product_id"),
        ({"size": "0x1"}, "size '0x1'"),
        ({"size": "012x1"}, "size"),
        ({"size": 5}, "size 5"),
        ({"status": "perdida"}, "status 'perdida'"),
        ({"status": None}, "status None"),
    ],
)
def test_what_has_no_place_here_is_refused_by_name(changes: dict[str, object], reason: str) -> None:
    [told] = read_page(page(event(1, 3, "create", **changes))).told
    assert isinstance(told.change, Refused)
    assert told.change.image_id == 3
    assert reason in told.change.reason


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        page(feed=""),
        page(position=-1),
        page(position=True),
        page(events={}),
        page({**event(1, 1, "create"), "type": "truncate"}),
        page({**event(1, 1, "create"), "aggregateid": "1; DROP"}),
        page({**event(1, 1, "create"), "payload": []}),
        page({**event(1, 1, "create"), "timestamp": "yesterday"}),
        page(event(1, 1, "create", file={"version": 1, "bytes": 1, "sha256": "short"})),
        page(event(1, 1, "create", file={"bytes": 1})),
    ],
)
def test_what_is_no_page_is_refused_as_a_whole(document: object) -> None:
    with pytest.raises(NotAFeedError):
        read_page(document)


def test_of_several_changes_the_last_counts() -> None:
    events = [event(1, 1, "create"), event(2, 2, "create"), event(3, 1, "delete")]
    again = event(4, 2, "update", prompt="serra")
    changes = fold(read_page(page(*events, again)).told)
    assert changes[0] == Gone(image_id=1)
    assert isinstance(changes[1], Put)
    assert changes[1].prompt == "serra"
