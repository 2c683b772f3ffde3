"""When a process counts as hanging; the time is handed in."""

from __future__ import annotations

from gateway.control.watchdog import ALIVE_EVERY_S, Watchdog


def test_one_that_speaks_never_hangs() -> None:
    watchdog = Watchdog()
    for turn in range(1000):
        watchdog.heard()
        assert not watchdog.hangs(turn * ALIVE_EVERY_S)


def test_one_that_is_silent_hangs_within_seconds() -> None:
    watchdog = Watchdog()
    found = next(turn for turn in range(1000) if watchdog.hangs(turn / 10))
    assert 4 <= found / 10 <= 6


def test_a_machine_that_stood_still_for_an_hour_is_no_silence() -> None:
    """Whoever looks stood still, too: it was one look that was missed."""
    watchdog = Watchdog()
    assert not watchdog.hangs(0.0)
    assert not watchdog.hangs(3600.0)
    assert not watchdog.hangs(3600.1)
    assert watchdog.until_look_s(3600.1) <= 1.0


def test_the_next_look_is_never_in_the_past() -> None:
    watchdog = Watchdog()
    assert watchdog.until_look_s(7.0) == 0.0
    watchdog.hangs(7.0)
    assert watchdog.until_look_s(7.25) == 0.75
    assert watchdog.until_look_s(99.0) == 0.0
