"""The reasons given are those of the decision made."""

from __future__ import annotations

from hypothesis import given, settings

from gateway.routing.decide import AMBIGUOUS_PATH, BAD_PATH, Forward, Reply, decide
from gateway.routing.explain import explain
from gateway.routing.snapshot import Match, Route, Snapshot
from gateway.routing.table import Table, Unmet
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.generated import draws, requests, snapshots
from tests.unit.gateway.routing.shop import MONOLITH, head, images, prefix, table

_ROUTES = table(
    Route(
        name="extras",
        matches=(prefix("/images/jobs"), Match(path="/images/blobs", methods=("PUT",))),
        backend="image_service",
    ),
    images(),
    MONOLITH,
)


def test_every_match_is_listed_in_order_with_why_it_was_not_taken() -> None:
    explanation = explain(_ROUTES, head("/images/blobs"), 0.5)
    assert explanation.paths == (b"/images/blobs",)
    assert [(c.route, c.taken, c.unmet) for c in explanation.considered] == [
        ("extras", False, Unmet("method", "PUT", "GET")),
        ("extras", False, Unmet("path", "/images/jobs/...", "/images/blobs")),
        ("images", True, None),
        ("monolith", False, None),
    ]


def test_an_exact_path_that_does_not_match_is_shown_as_it_is_written() -> None:
    (first, *_) = explain(_ROUTES, head("/images/7"), 0.5).considered
    assert first.unmet == Unmet("path", "/images/blobs", "/images/7")


def test_an_ambiguous_path_shows_all_its_readings_and_nothing_taken() -> None:
    explanation = explain(_ROUTES, head("/images/../products"), 0.5)
    assert explanation.decision == AMBIGUOUS_PATH
    assert explanation.paths == (b"/products", b"/images/../products")
    assert not [c for c in explanation.considered if c.taken]


def test_a_path_without_a_reading_considers_nothing() -> None:
    explanation = explain(_ROUTES, head("/%zz"), 0.5)
    assert explanation.decision == BAD_PATH
    assert (explanation.paths, explanation.considered) == ((), ())


@given(snapshots(), requests(), draws)
@settings(max_examples=30)
def test_an_explanation_explains_the_decision_that_is_made(
    snapshot: Snapshot, request: RequestHead, draw: float
) -> None:
    routes = Table(snapshot)
    explanation = explain(routes, request, draw)
    assert explanation.decision == decide(routes, request, draw)
    taken = [considered for considered in explanation.considered if considered.taken]
    if isinstance(explanation.decision, Reply):
        assert taken == []
    else:
        assert isinstance(explanation.decision, Forward)
        assert [c.route for c in taken] == [explanation.decision.route.name]
        assert taken[0].unmet is None


@given(snapshots(), requests(), draws)
@settings(max_examples=30)
def test_what_comes_before_the_match_taken_has_a_condition_that_failed(
    snapshot: Snapshot, request: RequestHead, draw: float
) -> None:
    considered = explain(Table(snapshot), request, draw).considered
    places = [place for place, one in enumerate(considered) if one.taken]
    for before in considered[: places[0] if places else 0]:
        assert before.unmet is not None
