"""What is declared to be asked again elsewhere, and for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.routing.decide import Reason
from gateway.routing.protection import Fallback
from gateway.routing.resend import Occasion, Resend, resends_of, says_nothing, second_look_of
from gateway.routing.snapshot import Backend
from tests.unit.gateway.routing.shop import IMAGE_OWNER


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


_LOOKING = replace(IMAGE_OWNER, second_look="image_service")


def test_a_second_look_is_for_unknown_ids_and_insists_on_an_answer() -> None:
    """What one side misses and the other cannot be asked for is not said to be gone."""
    backend = Backend(name="legacy", addresses=())
    on = frozenset({Occasion.MISS})
    expected = Resend("image_service", on, Reason.SECOND_LOOK, insists=True)
    assert second_look_of(_LOOKING, backend) == {Reason.OWNER_UNKNOWN: expected}


def test_where_a_fallback_leads_to_the_same_it_is_one_re_send_for_either_occasion() -> None:
    for to, also in (("image_service", {Occasion.UNAVAILABLE}), ("archive", set[Occasion]())):
        backend = Backend(name="legacy", addresses=(), fallback=Fallback(to=to))
        (resend,) = second_look_of(_LOOKING, backend).values()
        assert resend.on == {Occasion.MISS, *also}
        assert resend.to == "image_service"


def test_nobody_else_looks_twice() -> None:
    assert second_look_of(_LOOKING, Backend(name="image_service", addresses=())) == {}
    assert second_look_of(IMAGE_OWNER, Backend(name="legacy", addresses=())) == {}
    assert second_look_of(None, Backend(name="legacy", addresses=())) == {}
