"""Customers seen on both sides are counted once, in bounded memory, for one revision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.whatif import sightings as module
from gateway.whatif.sightings import Sides, Sighting, Sightings

_EVENTS = st.lists(
    st.builds(
        Sighting,
        st.sampled_from(["images", "shop"]),
        st.sampled_from(["client_ip", "cookie:c"]),
        st.sampled_from("abcdef"),
        st.sampled_from(["legacy", "image_service", "third"]),
    )
)


def _expected(events: list[Sighting]) -> set[tuple[str, str, int, int]]:
    sides: dict[tuple[str, str], dict[str, set[str]]] = {}
    for event in events:
        tokens = sides.setdefault((event.route, event.by), {})
        tokens.setdefault(event.token, set()).add(event.backend)
    return {
        (*key, len(tokens), sum(len(backends) > 1 for backends in tokens.values()))
        for key, tokens in sides.items()
    }


@given(_EVENTS, st.integers(1, 3), st.data())
def test_whichever_worker_saw_what_the_sum_is_the_same(
    events: list[Sighting], workers: int, data: st.DataObject
) -> None:
    """Each worker tells a customer's side once; control puts them together."""
    own = [Sightings() for _ in range(workers)]
    sides = Sides()
    for event in events:
        worker = own[data.draw(st.integers(0, workers - 1))]
        seen = worker.seen(event.route, event.by)
        if seen.last.get(event.token) != event.backend:
            seen.saw(event.token, event.backend)
        if data.draw(st.booleans()):
            sides.add(1, worker.take())
    for worker in own:
        sides.add(1, worker.take())
    counts = {(c.route, c.by, c.seen, c.on_both_sides) for c in sides.counts()}
    assert counts == _expected(events)


def test_a_new_revision_begins_anew_and_an_old_one_counts_no_more() -> None:
    sides, event = Sides(), Sighting("images", "client_ip", "t", "legacy")
    sides.add(1, [event])
    sides.add(2, [])
    assert list(sides.counts()) == []
    sides.add(1, [event])
    assert list(sides.counts()) == []


def test_a_request_that_began_under_an_older_revision_tells_nothing() -> None:
    sightings = Sightings()
    old = sightings.seen("images", "client_ip")
    sightings.begin()
    old.saw("t", "legacy")
    assert sightings.take() == []


def test_a_worker_tells_no_more_than_it_may_and_the_rest_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_UNTOLD", 3)
    monkeypatch.setattr(module, "MAX_REMEMBERED", 5)
    sightings = Sightings()
    seen = sightings.seen("images", "client_ip")
    told = set()
    for _ in range(4):
        for number in range(8):
            seen.saw(str(number), "legacy")
            assert len(seen.last) <= 5
        told |= {each.token for each in sightings.take()}
    assert len(told) > 5


def test_beyond_the_bound_a_sample_is_scaled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COUNTED", 500)
    sides = Sides()
    count = 4_000
    for number in range(count):
        token = f"token{number}"
        sides.add(1, [Sighting("images", "client_ip", token, "legacy")])
        if number % 4 == 0:
            sides.add(1, [Sighting("images", "client_ip", token, "image_service")])
    (counted,) = sides.counts()
    assert counted.seen == pytest.approx(count, rel=0.2)
    assert counted.on_both_sides == pytest.approx(count / 4, rel=0.3)
