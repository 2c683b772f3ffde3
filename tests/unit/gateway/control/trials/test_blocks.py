"""No two bodies ever share a byte of the spool, and each finds its own again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.trials.blocks import BLOCK_BYTES, Blocks, more_blocks, places

MOST = 12
SIZES = st.integers(0, 3 * BLOCK_BYTES)


@given(st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=40))
def test_a_block_belongs_to_one_body_or_is_free(steps: list[int | None]) -> None:
    """A number asks for so many blocks; None gives the oldest ones back."""
    blocks, owned = Blocks(MOST), list[list[int]]()
    for step in steps:
        if step is not None:
            found = blocks.take(step)
            held = sum(map(len, owned))
            assert (found is None) is (held + step > MOST)
            owned += [found] if found is not None else []
        elif owned:
            blocks.give_back(owned.pop(0))
        every = [number for each in owned for number in each]
        assert len(set(every)) == len(every) == blocks.taken
        assert all(0 <= number < MOST for number in every)


def test_blocks_that_were_in_use_are_used_again_before_the_file_grows() -> None:
    blocks = Blocks(MOST)
    first, second = blocks.take(3), blocks.take(2)
    assert (first, second) == ([0, 1, 2], [3, 4])
    blocks.give_back([0, 1, 2])
    assert blocks.take(4) == [0, 1, 2, 5]


def test_a_file_of_which_all_is_free_begins_anew() -> None:
    blocks = Blocks(MOST)
    for _ in range(2):
        first, second = blocks.take(2), blocks.take(2)
        assert (first, second) == ([0, 1], [2, 3])
        blocks.give_back([2, 3])
        blocks.give_back([0, 1])


@pytest.mark.parametrize(
    ("size", "added", "more"),
    [
        (0, 0, 0),
        (0, 1, 1),
        (0, BLOCK_BYTES, 1),
        (0, BLOCK_BYTES + 1, 2),
        (1, BLOCK_BYTES - 1, 0),
        (1, BLOCK_BYTES, 1),
        (BLOCK_BYTES, 1, 1),
        (BLOCK_BYTES, 3 * BLOCK_BYTES, 3),
    ],
)
def test_a_body_takes_as_many_blocks_as_it_fills(size: int, added: int, more: int) -> None:
    assert more_blocks(size, added) == more


def test_blocks_side_by_side_are_one_place() -> None:
    end = 3 * BLOCK_BYTES + 5
    assert places([4, 5, 2, 3], 10, end) == [
        (4 * BLOCK_BYTES + 10, 2 * BLOCK_BYTES - 10),
        (2 * BLOCK_BYTES, BLOCK_BYTES + 5),
    ]


@given(st.permutations(range(6)), st.lists(SIZES, max_size=3))
def test_places_cover_a_body_once_and_in_order(blocks: list[int], sizes: list[int]) -> None:
    """Whatever pieces it comes in, it lies where all of it at once would."""
    sizes = [min(size, 6 * BLOCK_BYTES // 3) for size in sizes]
    found, start = [], 0
    for size in sizes:
        found += places(blocks, start, start + size)
        start += size
    in_order = [byte for offset, length in found for byte in (offset, offset + length - 1)]
    whole = places(blocks, 0, start)
    assert sum(length for _, length in found) == start == sum(length for _, length in whole)
    for offset in in_order:
        assert any(at <= offset < at + length for at, length in whole)
