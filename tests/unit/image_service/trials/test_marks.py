"""Which requests are believed to be trials."""

from __future__ import annotations

import pytest

from image_service.trials.marks import MarkError, read_mark, write_mark

_SECRET = "s" * 32
_MARK = write_mark("trial-1", expires_s=100, secret=_SECRET)


def test_a_request_without_a_mark_is_a_customers() -> None:
    assert read_mark([], secret=_SECRET, now=0) is None
    assert read_mark([], secret=None, now=0) is None


def test_a_mark_of_the_gateway_names_its_trial() -> None:
    assert read_mark([_MARK], secret=_SECRET, now=99.9) == "trial-1"


@pytest.mark.parametrize(
    ("marks", "secret", "now", "why"),
    [
        ([_MARK], None, 0.0, "not set"),
        ([_MARK], "t" * 32, 0.0, "signature"),
        ([_MARK.replace("trial-1", "trial-2")], _SECRET, 0.0, "signature"),
        ([_MARK.replace(".100.", ".999.")], _SECRET, 0.0, "signature"),
        ([_MARK], _SECRET, 100.0, "expired"),
        ([_MARK, _MARK], _SECRET, 0.0, "malformed"),
        (["yes"], _SECRET, 0.0, "malformed"),
        ([""], _SECRET, 0.0, "malformed"),
        # An expired forgery is a forgery: whoever cannot sign learns nothing.
        ([_MARK], "t" * 32, 200.0, "signature"),
    ],
)
def test_any_other_mark_is_not_believed(
    marks: list[str], secret: str | None, now: float, why: str
) -> None:
    with pytest.raises(MarkError, match=why):
        read_mark(marks, secret=secret, now=now)
