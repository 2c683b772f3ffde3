"""The gateway's marks are the ones that the image service believes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run import mark
from image_service.trials import marks

SECRET = "s" * 32
TRIALS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
MOMENTS = st.floats(min_value=1, max_value=9e10)


def test_both_name_the_header_alike() -> None:
    assert mark.HEADER.decode().lower() == marks.HEADER


@given(trial=TRIALS, now_s=MOMENTS)
def test_what_the_gateway_signs_is_believed_for_its_time(trial: str, now_s: float) -> None:
    """And no longer, by nobody with another secret, and not with one byte changed."""
    written = mark.write_mark(trial, now_s, SECRET).decode()
    assert marks.read_mark([written], secret=SECRET, now=now_s) == trial
    expires_s = int(now_s) + mark.GOOD_FOR_S
    assert written == marks.write_mark(trial, expires_s=expires_s, secret=SECRET)
    changed = written.replace(trial, f"{trial}x"[-64:], 1)
    for values, secret, at_s in (
        ([written], SECRET, float(expires_s)),
        ([written], "x" * 32, now_s),
        ([written, written], SECRET, now_s),
        ([changed if changed != written else f"{written}x"], SECRET, now_s),
    ):
        with pytest.raises(marks.MarkError):
            marks.read_mark(values, secret=secret, now=at_s)


def test_without_a_secret_nobody_is_believed() -> None:
    """A gateway that signs nothing, before a service that shares nothing with it."""
    for secret in (SECRET, None):
        with pytest.raises(marks.MarkError):
            marks.read_mark([mark.write_mark("t1", 1.0, "").decode()], secret=secret, now=1.0)
