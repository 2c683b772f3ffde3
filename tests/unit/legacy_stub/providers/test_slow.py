"""The time that a picture takes."""

from __future__ import annotations

import math

import pytest

from legacy_stub.providers.slow import delay_s, slowed
from legacy_stub.stopping import Stopping, StoppingError


def test_delays_lie_around_the_median_and_none_stays_none() -> None:
    assert delay_s(2.0, 0.0) == 2.0
    assert delay_s(2.0, -1.0) == pytest.approx(4.0 / delay_s(2.0, 1.0))
    assert 2.0 < delay_s(2.0, 1.0) < 2.0 * math.e
    assert delay_s(0.0, 3.0) == 0.0


def test_the_picture_is_drawn_after_the_wait_and_not_at_all_when_the_process_ends() -> None:
    stopping = Stopping()
    assert slowed(_words, median_s=0, stopping=stopping)("mar", 5, 6) == b"mar 5x6"
    stopping.set()
    with pytest.raises(StoppingError):
        slowed(_words, median_s=60, stopping=stopping)("mar", 5, 6)


def _words(prompt: str, width: int, height: int) -> bytes:
    return f"{prompt} {width}x{height}".encode()
