"""How far the import is, and what follows from one more page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_service.backfill.errors import FeedGoneError, NotAFeedError
from image_service.backfill.events import read_page
from image_service.backfill.progress import (
    MAKING_S,
    Pending,
    Progress,
    advance,
    begin_again,
    complete_up_to,
)
from tests.unit.image_service.backfill.documents import event, page

NOW = 1_000_000.0


def take(progress: Progress, *events: dict[str, object], **changes: object) -> Progress:
    """Take in a page."""
    return advance(progress, read_page(page(*events, **changes)), now=NOW)


def test_it_is_complete_once_it_has_what_changed_while_the_snapshot_was_read() -> None:
    snapshot = take(Progress(), event(0, 7, "read"), snapshot=True, more=True, last=9)
    assert (snapshot.is_complete, snapshot.as_of, snapshot.highest_id) == (False, None, 7)
    told = take(snapshot, more=True, last=12)
    assert (told.complete_at, told.is_complete) == (12, False)
    behind = take(told, event(11, 3, "update"), more=True, last=20)
    assert (behind.is_complete, behind.behind) == (False, 9)
    complete = take(behind, event(12, 4, "update"), more=True, last=20)
    assert (complete.is_complete, complete.as_of) == (True, None)
    assert take(complete, event(20, 4, "update")).as_of == NOW


def test_a_page_of_another_feed_is_never_taken_in() -> None:
    with pytest.raises(FeedGoneError, match="begin-again"):
        take(Progress(feed="other"), event(1, 1, "create"))


def test_a_feed_that_goes_backwards_is_none() -> None:
    with pytest.raises(NotAFeedError):
        take(Progress(feed="f", position=5), event(4, 1, "create"))


def test_another_round_forgets_the_feed_and_has_something_to_sweep() -> None:
    fresh = begin_again(replace(Progress(), feed="f", position=7, highest_id=3, as_of=NOW))
    assert fresh == Progress(round=2, is_swept=False)


@pytest.mark.parametrize(
    ("complete_at", "pending", "expected"),
    [
        (None, [], 0),
        (6, [], 0),
        (5, [], 40),
        (5, [(38, NOW - 1)], 37),
        (5, [(38, NOW - MAKING_S)], 40),
        (5, [(38, 0.0), (39, NOW), (40, NOW)], 38),
        (5, [(0, NOW)], 0),
    ],
)
def test_up_to_which_id_all_is_here(
    complete_at: int | None, pending: list[tuple[int, float]], expected: int
) -> None:
    progress = Progress(position=5, highest_id=40, complete_at=complete_at)
    waiting = [Pending(image_id=image_id, created_at=at) for image_id, at in pending]
    assert complete_up_to(progress, waiting, now=NOW) == expected


def test_the_lag_is_the_age_of_what_is_known_and_never_negative() -> None:
    assert Progress().lag_s(NOW) is None
    assert Progress(as_of=NOW - 3).lag_s(NOW) == 3.0
    assert Progress(as_of=NOW + 3).lag_s(NOW) == 0.0
