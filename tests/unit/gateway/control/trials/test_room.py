"""Bodies of trials under way have so much memory, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.control.trials.room import Room, Share


def test_who_finds_no_room_has_it_when_others_have_left() -> None:
    room = Room(100)
    first = room.share(60)
    assert first is not None
    assert room.share(50) is None
    first.give_back()
    assert room.share(50) is not None


def test_one_alone_always_has_room() -> None:
    """Or it would wait for nobody's end."""
    room = Room(100)
    assert room.share(500) is not None
    assert room.share(1) is None


def test_a_share_grows_where_there_is_room() -> None:
    room = Room(100)
    first, second = room.share(40), room.share(40)
    assert first is not None
    assert second is not None
    assert first.hold(40)
    assert first.hold(20)
    assert not first.hold(1)
    assert second.hold(40)
    assert not second.hold(1)
    second.give_back()
    assert first.hold(40)
    assert room.held_bytes == 100
    first.give_back()
    assert room.held_bytes == 0


@given(st.lists(st.tuples(st.sampled_from("shg"), st.integers(0, 60)), max_size=40))
def test_what_is_held_is_never_more_than_there_is(steps: list[tuple[str, int]]) -> None:
    room, shares = Room(100), list[tuple[Share, int]]()
    for what, size in steps:
        if what == "s" and (share := room.share(size)) is not None:
            shares.append((share, size))
        elif what == "h" and shares:
            shares[-1][0].hold(size)
        elif what == "g" and shares:
            shares.pop(0)[0].give_back()
        assert 0 <= room.held_bytes <= 100
    for share, _ in shares:
        share.give_back()
    assert room.held_bytes == 0
