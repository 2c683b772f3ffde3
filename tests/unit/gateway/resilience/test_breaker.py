"""When a breaker opens, how long for, and what closes it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.resilience.breaker import Breaker, BreakerState

_CLOSED, _OPEN, _HALF_OPEN = BreakerState


def _breaker(share: float = 0.5, min_requests: int = 4) -> Breaker:
    return Breaker(share=share, window_s=10.0, min_requests=min_requests, open_s=5.0)


def _feed(breaker: Breaker, outcomes: str, now_s: float = 100.0) -> BreakerState:
    """Note outcomes at one moment: ``x`` for a failure, ``.`` for success."""
    for outcome in outcomes:
        breaker.note(failed=outcome == "x", began_s=now_s, now_s=now_s)
    return breaker.state(now_s)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("", _CLOSED),
        ("xxx", _CLOSED),
        ("xxxx", _OPEN),
        ("..xx", _OPEN),
        ("xx..", _CLOSED),
        ("...xx", _CLOSED),
        ("...xxx", _OPEN),
        ("." * 50 + "x" * 49, _CLOSED),
        ("." * 50 + "x" * 50, _OPEN),
    ],
)
def test_it_opens_with_the_failure_that_makes_the_share(outcomes: str, state: BreakerState) -> None:
    """A success never opens it, so the share is reached by a failure or not at all."""
    assert _feed(_breaker(), outcomes) is state


def test_a_share_of_all_needs_every_request_to_fail() -> None:
    assert _feed(_breaker(share=1.0), ".xxxxxxxx") is _CLOSED
    assert _feed(_breaker(share=1.0), "xxxx") is _OPEN


def test_what_lies_behind_the_window_is_forgotten() -> None:
    breaker = _breaker()
    _feed(breaker, "xxx", 100.0)
    assert breaker.counted(109.9) == (3, 3)
    assert breaker.counted(110.0) == (0, 0)
    assert _feed(breaker, "x", 110.0) is _CLOSED


def test_it_is_half_open_after_its_time_and_the_next_outcome_decides() -> None:
    for outcome, state in (("x", _OPEN), (".", _CLOSED)):
        breaker = _breaker()
        _feed(breaker, "xxxx", 100.0)
        assert breaker.state(104.9) is _OPEN
        assert breaker.state(105.0) is _HALF_OPEN
        assert _feed(breaker, outcome, 105.0) is state


def test_what_had_begun_before_does_not_decide() -> None:
    """A success of a minute ago says nothing; nor does a failure that took its time."""
    for failed in (False, True):
        breaker = _breaker()
        _feed(breaker, "xxxx", 100.0)
        breaker.note(failed=failed, began_s=104.9, now_s=110.0)
        assert breaker.state(110.0) is _HALF_OPEN


def test_closed_again_it_counts_from_nothing() -> None:
    breaker = _breaker()
    _feed(breaker, "xxxx", 100.0)
    assert _feed(breaker, ".xxx", 105.0) is _CLOSED
    assert breaker.counted(105.0) == (3, 3)


class BreakerMachine(RuleBasedStateMachine):
    """Whatever happens, a breaker says what a list of all outcomes says."""

    def __init__(self) -> None:
        super().__init__()
        self._breaker = _breaker(min_requests=3)
        self._now_s = 1000.0
        self._outcomes: list[tuple[float, bool]] = []
        self._half_open_at_s: float | None = None

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 5.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time go by, in tenths of the window or halves of those."""
        self._now_s += seconds

    @rule(failed=st.booleans(), age_s=st.sampled_from([0.0, 0.0, 0.0, 2.0, 20.0]))
    def note(self, failed: bool, age_s: float) -> None:
        """Let a request end that began a while ago."""
        began_s = self._now_s - age_s
        self._breaker.note(failed=failed, began_s=began_s, now_s=self._now_s)
        if self._half_open_at_s is None:
            self._outcomes.append((self._now_s, failed))
            recent = [bad for at_s, bad in self._outcomes if self._is_recent(at_s)]
            opens = failed and len(recent) >= 3 and sum(recent) * 2 >= len(recent)
        else:
            if began_s < self._half_open_at_s:
                return
            opens = failed
            self._half_open_at_s = None
        if opens:
            self._half_open_at_s = self._now_s + 5.0
            self._outcomes = []

    def _is_recent(self, at_s: float) -> bool:
        return int(self._now_s) - int(at_s) < 10

    @invariant()
    def says_the_same(self) -> None:
        """The breaker and the list agree."""
        expected = _CLOSED
        if self._half_open_at_s is not None:
            expected = _OPEN if self._now_s < self._half_open_at_s else _HALF_OPEN
        assert self._breaker.state(self._now_s) is expected

    @invariant()
    def keeps_no_more_than_its_window(self) -> None:
        """Memory is bounded, however many requests there are."""
        assert len(self._breaker._slices) <= 11


BreakerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestBreaker = BreakerMachine.TestCase
