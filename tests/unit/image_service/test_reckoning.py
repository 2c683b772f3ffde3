"""What a look at the shared clock means."""

from __future__ import annotations

import pytest

from image_service.reckoning import Look, Reckoning, Verdict

_NOW = Reckoning(ahead_s=1000.0, steps=3, moved_s=50.0)


def _look(*, off_s: float = 0.0, steps: int = 3, moved_s: float = 0.0, took_s: float = 0.0) -> Look:
    return Look(
        wall_s=1500.0 + off_s,
        steps=steps,
        moved_s=50.0 + moved_s,
        asked_s=500.0 - took_s,
        answered_s=500.0,
    )


@pytest.mark.parametrize(
    ("look", "verdict"),
    [
        pytest.param(_look(), "right", id="the same"),
        pytest.param(_look(off_s=1.9), "right", id="drift"),
        pytest.param(_look(off_s=-1.9), "right", id="drift backwards"),
        pytest.param(_look(off_s=2.1), "stepped", id="set forwards"),
        pytest.param(_look(off_s=-3600), "stepped", id="set backwards"),
        pytest.param(_look(off_s=3600, took_s=1.5), "unclear", id="a slow answer"),
        pytest.param(
            _look(off_s=3600, steps=4, moved_s=3600), "behind", id="others have counted it"
        ),
        pytest.param(_look(steps=4, took_s=5), "behind", id="counted, and a slow answer"),
        pytest.param(
            _look(off_s=-89_970, steps=4, moved_s=-90_000),
            "stepped",
            id="counted, and set once more",
        ),
        pytest.param(_look(steps=4, moved_s=3600), "behind", id="counted behind who began with it"),
    ],
)
def test_a_look_is_judged(look: Look, verdict: Verdict) -> None:
    assert _NOW.judge(look) == verdict


def test_what_is_followed_is_right_then() -> None:
    look = _look(off_s=3600, steps=4)
    assert _NOW.follow(look).judge(look) == "right"


def test_of_two_steps_the_one_that_nobody_has_counted_is() -> None:
    look = _look(off_s=-89_970, steps=4, moved_s=-90_000)
    assert _NOW.uncounted_s(look) == 30
    assert _NOW.count(look) == Reckoning(ahead_s=-88_970, steps=5, moved_s=-89_920)
