"""What becomes of a capture that goes to control while it passes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.parallel_run.classes import TrialClass
from gateway.proxy.captured import MOST_BODY_BYTES, Poured
from gateway.proxy.pouring import Pouring

MIB = bytes(1024 * 1024)
LARGEST = [MIB] * 8


class FakeWay:
    """A control that is there, or not, and takes what comes, or not."""

    def __init__(self, *, is_open: bool = True, takes: bool = True) -> None:
        self.is_open = is_open
        self.is_crowded = False
        self.takes = takes
        self.went: list[tuple[int, int, int]] = []

    def pour(self, capture_id: int, side: int, pieces: Sequence[bytes]) -> bool:
        """Note what went."""
        if self.takes and self.is_open:
            self.went.append((capture_id, side, sum(map(len, pieces))))
        return self.takes and self.is_open

    def give_up(self, capture_ids: Sequence[int]) -> bool:
        """Never here."""
        raise AssertionError(capture_ids)


def test_what_went_is_told_by_side() -> None:
    way = FakeWay()
    pouring = Pouring(way, 7)
    assert pouring.pour(0, [b"abc", b"d"]) is None
    assert pouring.pour(1, [b"12"]) is None
    assert pouring.pour(1, [b"345"]) is None
    assert pouring.poured == Poured(7, 4, 5)
    assert way.went == [(7, 0, 4), (7, 1, 2), (7, 1, 3)]
    assert pouring.loss() is None


@pytest.mark.parametrize("side", [0, 1])
def test_8_mib_of_a_side_go_and_no_byte_more(side: int) -> None:
    way = FakeWay()
    pouring = Pouring(way, 7)
    assert pouring.pour(side, LARGEST) is None
    assert pouring.pour(1 - side, [b"x"]) is None
    assert pouring.pour(side, [b"x"]) is TrialClass.TOO_LARGE


@pytest.mark.parametrize(
    ("announced_bytes", "became"),
    [(0, None), (MOST_BODY_BYTES, None), (MOST_BODY_BYTES + 1, TrialClass.TOO_LARGE)],
)
def test_what_says_that_it_is_larger_does_not_even_begin(
    announced_bytes: int, became: TrialClass | None
) -> None:
    way = FakeWay()
    assert Pouring(way, 7).pour(1, [MIB], announced_bytes) is became
    assert bool(way.went) is (became is None)


@pytest.mark.parametrize(
    ("has_begun", "is_open", "became"),
    [
        pytest.param(False, True, TrialClass.SHED, id="the link is full"),
        pytest.param(True, True, TrialClass.SHED, id="it became full"),
        pytest.param(False, False, TrialClass.SHED, id="nobody was there"),
        pytest.param(True, False, TrialClass.LOST, id="control died with what it had"),
    ],
)
def test_what_cannot_go_on(has_begun: bool, is_open: bool, became: TrialClass) -> None:
    way = FakeWay()
    pouring = Pouring(way, 7)
    if has_begun:
        assert pouring.pour(1, [b"x"]) is None
    way.is_open, way.takes = is_open, False
    assert pouring.pour(1, [b"y"]) is became


def test_a_control_that_died_has_lost_what_was_all_there() -> None:
    way = FakeWay()
    pouring = Pouring(way, 7)
    assert pouring.pour(1, [b"x"]) is None
    way.is_open = False
    assert pouring.loss() is TrialClass.LOST
