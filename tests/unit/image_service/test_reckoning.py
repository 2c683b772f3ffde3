"""What a look at the shared clock means."""

from __future__ import annotations

import pytest

from image_service.reckoning import Look, Reckoning, Verdict

_NOW = Reckoning(ahead_s=1000.0, steps=3)


def _look(*, off_s: float = 0.0, steps: int = 3, took_s: float = 0.0) -> Look:
    return Look(wall_s=1500.0 + off_s, steps=steps, asked_s=500.0 - took_s, answered_s=500.0)


@pytest.mark.parametrize(
    ("look", "verdict"),
    [
        pytest.param(_look(), "right", id="the same"),
        pytest.param(_look(off_s=1.9), "right", id="drift"),
        pytest.param(_look(off_s=-1.9), "right", id="drift backwards"),
        pytest.param(_look(off_s=2.1), "stepped", id="set forwards"),
        pytest.param(_look(off_s=-3600), "stepped", id="set backwards"),
        pytest.param(_look(off_s=3600, took_s=1.5), "unclear", id="a slow answer"),
        pytest.param(_look(off_s=3600, steps=4), "behind", id="others have counted it"),
        pytest.param(_look(steps=4, took_s=5), "behind", id="counted, and a slow answer"),
    ],
)
def test_a_look_is_judged(look: Look, verdict: Verdict) -> None:
    assert _NOW.judge(look) == verdict


def test_what_is_followed_is_right_then() -> None:
    look = _look(off_s=3600, steps=4)
    assert _NOW.follow(look).judge(look) == "right"
