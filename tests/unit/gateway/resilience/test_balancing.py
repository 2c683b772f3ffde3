"""Two of several, each pair as likely as the next."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resilience.balancing import two_of


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_every_ordered_pair_is_as_likely_as_the_next(count: int) -> None:
    pairs = count * (count - 1)
    draws = [(n + 0.5) / (pairs * 10) for n in range(pairs * 10)]
    drawn = Counter(two_of(count, draw) for draw in draws)
    assert drawn == dict.fromkeys(permutations(range(count), 2), 10)


@given(count=st.integers(2, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_any_draw_gives_two_that_are_there_and_differ(count: int, draw: float) -> None:
    first, second = two_of(count, draw)
    assert first != second
    assert 0 <= first < count
    assert 0 <= second < count
