"""When a failed call goes out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service import errors
from image_service.providers.port import Outcome
from image_service.providers.repeating import pause_s, retry_after_s

# 2026-11-23T12:00:00Z
_NOON = 1_795_435_200.0
_KINDS: list[type[errors.PictureError]] = [
    errors.ModerationError,
    errors.RateLimitError,
    errors.QuotaError,
    errors.RejectedError,
    errors.UnavailableError,
    errors.AnswerTimeoutError,
    errors.BadPictureError,
]


_OUTCOMES: list[Outcome] = ["not_bought", "bought", "unknown"]
_ERRORS = st.builds(
    lambda kind, outcome, asks_s: kind("x", outcome=outcome, retry_after_s=asks_s),
    st.sampled_from(_KINDS),
    st.sampled_from(_OUTCOMES),
    st.none() | st.floats(0, 1e6),
)


@given(
    error=_ERRORS,
    calls=st.integers(1, 5),
    left_s=st.none() | st.floats(-10, 300),
    draw=st.floats(0, 0.999),
)
def test_a_repetition_costs_nothing_twice_and_fits_before_the_deadline(
    error: errors.PictureError, calls: int, left_s: float | None, draw: float
) -> None:
    wait_s = pause_s(error, calls=calls, left_s=left_s, draw=draw)
    if wait_s is None:
        return
    assert error.outcome == "not_bought"
    assert isinstance(error, errors.RateLimitError | errors.UnavailableError)
    assert calls < 3
    assert left_s is None or wait_s < left_s
    assert error.retry_after_s in (None, wait_s)


def test_own_pauses_grow_and_are_spread() -> None:
    error = errors.RateLimitError("x")
    pauses = [pause_s(error, calls=calls, left_s=None, draw=0.0) for calls in (1, 2, 3)]
    assert pauses == [0.5, 1.0, None]
    assert pause_s(error, calls=1, left_s=None, draw=0.5) == 0.75


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "9", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "9", "retry-after-ms": "soon"}, 9.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "100000"}, None),
        ({"retry-after": "Mon, 99 Nov 2026 99:00:30 GMT"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_a_wish_to_be_left_alone_is_read_in_all_its_forms(
    headers: dict[str, str], expected: float | None
) -> None:
    assert retry_after_s(headers, _NOON) == expected
