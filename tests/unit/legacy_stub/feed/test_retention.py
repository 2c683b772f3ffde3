"""Up to where events go."""

from __future__ import annotations

import pytest

from legacy_stub.feed.retention import floor_to


@pytest.mark.parametrize(
    ("by_age", "by_count", "held", "floor"),
    [
        (0, 0, [], 0),
        (10, 0, [], 10),  # too old, though few
        (0, 10, [], 10),  # too many, though young
        (10, 20, [], 20),
        (10, 20, [15], 15),  # somebody is still at 15
        (10, 20, [15, 5], 5),
        (10, 20, [0], 0),  # has not begun
        (10, 20, [99], 20),  # far ahead: holds nothing
    ],
)
def test_what_goes(by_age: int, by_count: int, held: list[int], floor: int) -> None:
    assert floor_to(by_age=by_age, by_count=by_count, held=held) == floor
