"""Which backend does the work of one that is out of service."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.decide import Forward, Reason, ReasonText
from gateway.routing.elsewhere import elsewhere
from gateway.routing.snapshot import BUCKETS, Match, Route, Share
from gateway.routing.split import Split


def _route(*weights: int) -> Route:
    """A route whose backends are a, b, c and so on."""
    edges = [0]
    for weight in weights:
        edges.append(edges[-1] + weight)
    shares = tuple(
        Share(backend="abcdef"[index], start=start, end=end)
        for index, (start, end) in enumerate(pairwise(edges))
    )
    return Route(name="r", matches=(Match(path_prefix="/"),), shares=shares)


def _meant(route: Route, bucket: int, reason: ReasonText = Reason.STICKY) -> Forward:
    return Forward(route, Split(route.shares).backend(bucket), reason, bucket)


@pytest.mark.parametrize(
    ("weights", "bucket", "able", "goes_to"),
    [
        ((5_000, 95_000), 0, "ab", "b"),
        ((5_000, 95_000), 5_000, "ab", "a"),
        ((5_000, 95_000), 0, "", None),
        ((100_000, 0), 0, "ab", None),
        ((50_000, 20_000, 30_000), 0, "bc", "b"),
        ((50_000, 20_000, 30_000), 19_999, "bc", "b"),
        ((50_000, 20_000, 30_000), 20_000, "bc", "c"),
        ((50_000, 20_000, 30_000), 49_999, "bc", "c"),
        ((50_000, 20_000, 30_000), 0, "c", "c"),
    ],
)
def test_the_others_share_the_work_by_their_weights(
    weights: tuple[int, ...], bucket: int, able: str, goes_to: str | None
) -> None:
    route = _route(*weights)
    assert elsewhere(_meant(route, bucket), lambda name: name in able) == goes_to


@pytest.mark.parametrize(
    "reason", [Reason.BACKEND, Reason.OWNER, Reason.OWNER_UNKNOWN, Reason.OWNER_LIST]
)
def test_what_is_no_new_work_stays(reason: ReasonText) -> None:
    assert elsewhere(_meant(_route(50_000, 50_000), 1, reason), lambda _: True) is None


@given(
    st.lists(st.integers(0, 10), min_size=2, max_size=5).filter(any),
    st.integers(0, BUCKETS - 1),
    st.sets(st.sampled_from("abcde")),
)
def test_whoever_gets_it_is_in_service_has_a_weight_and_is_another(
    parts: list[int], bucket: int, able: set[str]
) -> None:
    total = sum(parts)
    weights = [part * BUCKETS // total for part in parts]
    weights[parts.index(max(parts))] += BUCKETS - sum(weights)
    route = _route(*weights)
    meant = _meant(route, bucket)
    could = {share.backend for share in route.shares if share.start < share.end} & able
    goes_to = elsewhere(meant, able.__contains__)
    if could - {meant.backend}:
        assert goes_to in could - {meant.backend}
    else:
        assert goes_to is None
