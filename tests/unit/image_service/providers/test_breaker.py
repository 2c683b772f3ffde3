"""When a provider is left alone."""

from __future__ import annotations

import pytest

from image_service import errors
from image_service.providers.breaker import Breaker

_DOWN = errors.UnavailableError("x", outcome="not_bought")


def _after(*failures: errors.PictureError, now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for error in failures:
        breaker = breaker.asked().failed(error, now)
    return breaker


def test_three_failures_in_a_row_are_needed() -> None:
    assert _after(_DOWN, _DOWN).may_be_asked(0.0)
    assert not _after(_DOWN, _DOWN, _DOWN).may_be_asked(4.9)
    assert _after(_DOWN, _DOWN).succeeded().failed(_DOWN, 0.0).may_be_asked(0.0)


def test_after_the_rest_one_order_tries_and_the_others_go_elsewhere() -> None:
    rested = _after(_DOWN, _DOWN, _DOWN)
    assert rested.may_be_asked(5.0)
    trying = rested.asked()
    assert not trying.may_be_asked(5.0)
    assert trying.succeeded() == Breaker()
    assert trying.abandoned().may_be_asked(5.0)


def test_each_further_rest_is_twice_as_long_up_to_two_minutes() -> None:
    breaker, rests = _after(_DOWN, _DOWN), []
    for _ in range(30):
        breaker = breaker.asked().failed(_DOWN, 0.0)
        rests.append(breaker.rests_until)
    assert rests[:6] == [5.0, 10.0, 20.0, 40.0, 80.0, 120.0]
    assert rests[-1] == 120.0


@pytest.mark.parametrize(
    ("error", "rests_until"),
    [
        (errors.RateLimitError("x"), 5.0),
        (errors.RateLimitError("x", retry_after_s=42.0), 42.0),
        (errors.QuotaError("x"), 60.0),
        (errors.ModerationError("x"), None),
        (errors.RejectedError("x"), None),
        (errors.AnswerTimeoutError("x"), None),
        (errors.BadPictureError("x"), None),
    ],
)
def test_some_failures_say_all_at_once_and_forbidden_words_say_nothing(
    error: errors.PictureError, rests_until: float | None
) -> None:
    assert _after(error).rests_until == rests_until


def test_forbidden_words_show_that_the_provider_is_well() -> None:
    assert _after(_DOWN, _DOWN, errors.ModerationError("x")) == Breaker()
