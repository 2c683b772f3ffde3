"""Is there room?"""

from __future__ import annotations

import pytest

from image_service.jobs.admission import Full, Room, admit, retry_after_s

_ROOM = Room(total=10, per_customer=3)


@pytest.mark.parametrize(
    ("waiting", "of_customer", "refusal"),
    [
        (0, 0, None),
        (9, 2, None),
        (10, 0, Full(code="queue-full", waiting=10)),
        (3, 3, Full(code="rate-limited", waiting=3)),
        # One's own line is what one can do something about.
        (10, 3, Full(code="rate-limited", waiting=3)),
    ],
)
def test_orders_are_taken_up_to_both_limits(
    waiting: int, of_customer: int, refusal: Full | None
) -> None:
    assert admit(_ROOM, waiting=waiting, of_customer=of_customer) == refusal


def test_nobody_is_told_to_come_back_at_once_or_never() -> None:
    assert retry_after_s(1, concurrency=100, usual_s=1) == 1
    assert retry_after_s(1_000_000, concurrency=1, usual_s=10) == 60
    assert retry_after_s(100, concurrency=8, usual_s=10) == 12
