"""What is declared to be asked again elsewhere, and for whom."""

from __future__ import annotations

import pytest

from gateway.routing.decide import Reason
from gateway.routing.protection import Fallback
from gateway.routing.resend import Occasion, Resend, resends_of, says_nothing
from gateway.routing.snapshot import Backend


def test_without_a_fallback_nobody_is_asked() -> None:
    assert resends_of(Backend(name="legacy", addresses=())) == {}


def test_a_fallback_is_for_whoever_has_no_known_owner() -> None:
    resends = resends_of(Backend(name="new", addresses=(), fallback=Fallback(to="legacy")))
    assert set(resends) == {
        Reason.BACKEND,
        Reason.STICKY,
        Reason.DRAW,
        Reason.MOVED,
        Reason.OWNER_UNKNOWN,
    }
    assert {resend.to for resend in resends.values()} == {"legacy"}


@pytest.mark.parametrize(
    ("on", "statuses"),
    [
        ({Occasion.UNAVAILABLE}, {502, 503, 504}),
        ({Occasion.MISS}, {404}),
        (set(Occasion), {404, 502, 503, 504}),
    ],
)
def test_which_answers_are_an_occasion(on: set[Occasion], statuses: set[int]) -> None:
    resend = Resend("legacy", frozenset(on), Reason.FALLBACK)
    assert {status for status in range(200, 600) if resend.wants(status)} == statuses
    assert resend.is_for_failures is (Occasion.UNAVAILABLE in on)


def test_a_second_miss_or_no_second_answer_says_nothing_new() -> None:
    assert {s for s in range(200, 600) if says_nothing(s)} == {404, 502, 503, 504}
