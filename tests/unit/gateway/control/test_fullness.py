"""Time at the limit, and when it is worth a line."""

from __future__ import annotations

from gateway.control.fullness import Fullness


def test_the_time_at_the_limit_adds_up_while_it_lasts_and_after() -> None:
    fullness = Fullness()
    assert (fullness.is_full, fullness.total_s(5.0)) == (False, 0.0)
    fullness.begin(10.0)
    assert (fullness.is_full, fullness.total_s(12.0)) == (True, 2.0)
    fullness.end(13.0)
    fullness.begin(20.0)
    assert fullness.total_s(21.0) == 4.0


def test_it_is_news_once_a_minute() -> None:
    fullness = Fullness()
    told = []
    for now_s in (10.0, 10.1, 69.9, 70.0, 71.0):
        told.append(fullness.begin(now_s))
        fullness.end(now_s)
    assert told == [True, False, False, True, False]
