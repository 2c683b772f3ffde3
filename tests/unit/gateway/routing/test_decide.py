"""Where a request goes: one answer, one reason, or a refusal."""

from __future__ import annotations

import sys
from types import FrameType
from typing import get_args

import pytest
from hypothesis import given, settings

from gateway.routing.decide import (
    AMBIGUOUS_PATH,
    BAD_PATH,
    NO_ROUTE,
    Decision,
    Forward,
    Reason,
    ReasonText,
    Reply,
    decide,
)
from gateway.routing.snapshot import BUCKETS, Route, Snapshot
from gateway.routing.split import bucket_of
from gateway.routing.table import Table
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.generated import draws, requests, snapshots
from tests.unit.gateway.routing.reference import Expected, expected
from tests.unit.gateway.routing.shop import MONOLITH, head, images, prefix, table

_HALF = table(images(BUCKETS // 2), MONOLITH)
_LOW, _HIGH = 0.25, 0.75
_NEW, _OLD = "image_service", "legacy"
# Buckets 2,895 and 81,451: on either side of the half.
_NEW_CUSTOMER, _OLD_CUSTOMER = b"customer-42", b"203.0.113.9"
_NEW_HEADER = {b"x-customer-id": _NEW_CUSTOMER}
_OLD_COOKIE = {b"cookie": b"customer=" + _OLD_CUSTOMER}


def _forward(decision: Decision) -> Forward:
    assert isinstance(decision, Forward)
    return decision


def _pinned(method: bytes, pin: str, path: str = "/images") -> RequestHead:
    request = head(path, method, {b"x-customer-id": _OLD_CUSTOMER})
    request.pin = pin
    return request


_Said = tuple[str, ReasonText, int | None, str]
_CASES: dict[str, tuple[RequestHead, float, _Said]] = {
    "backend": (head("/products"), _LOW, (_OLD, Reason.BACKEND, None, "")),
    "owner-old": (head("/images/7"), _LOW, (_OLD, Reason.OWNER, None, "7")),
    "owner-new": (
        head("/images/1000000001/x", b"DELETE"),
        _HIGH,
        (_NEW, Reason.OWNER, None, "1000000001"),
    ),
    "owner-unknown": (
        head("/images/x", named=_NEW_HEADER),
        _LOW,
        (_OLD, Reason.OWNER_UNKNOWN, None, "x"),
    ),
    "owner-list": (head("/images"), _LOW, (_OLD, Reason.OWNER_LIST, None, "")),
    "pin": (_pinned(b"POST", _NEW), _HIGH, (_NEW, Reason.PIN, None, "")),
    "sticky-header": (
        head("/images", b"POST", _NEW_HEADER),
        _HIGH,
        (_NEW, Reason.STICKY, 2_895, "header:x-customer-id"),
    ),
    "sticky-cookie": (
        head("/images", b"POST", _OLD_COOKIE),
        _LOW,
        (_OLD, Reason.STICKY, 81_451, "cookie:customer"),
    ),
    "sticky-address": (
        head("/images", b"POST", client_ip="203.0.113.9"),
        _LOW,
        (_OLD, Reason.STICKY, 81_451, "client_ip"),
    ),
    "draw-low": (head("/images", b"POST"), _LOW, (_NEW, Reason.DRAW, 25_000, "")),
    "draw-high": (head("/images/", b"POST"), _HIGH, (_OLD, Reason.DRAW, 75_000, "")),
}


@pytest.mark.parametrize(("request_", "draw", "said"), list(_CASES.values()), ids=list(_CASES))
def test_a_request_goes_where_the_first_to_have_a_say_sends_it(
    request_: RequestHead, draw: float, said: _Said
) -> None:
    decision = _forward(decide(_HALF, request_, draw))
    assert said == (decision.backend, decision.reason, decision.bucket, decision.detail)


def test_every_reason_has_a_case_above() -> None:
    """But those that stand for what has happened since."""
    decided = set(get_args(ReasonText)) - {Reason.FALLBACK, Reason.SECOND_LOOK, Reason.MOVED}
    assert {said[1] for _, _, said in _CASES.values()} == decided


@pytest.mark.parametrize(
    ("path", "expected_"),
    [
        pytest.param(b"/images/../products", AMBIGUOUS_PATH, id="dots"),
        pytest.param(b"/images/%2e%2e/products", AMBIGUOUS_PATH, id="escaped-dots"),
        pytest.param(b"/images/..;/products", AMBIGUOUS_PATH, id="dots-with-a-parameter"),
        pytest.param(b"/images%2F7", AMBIGUOUS_PATH, id="escaped-slash"),
        pytest.param(b"/images\\7", AMBIGUOUS_PATH, id="backslash"),
        pytest.param(b"//images/7", AMBIGUOUS_PATH, id="two-slashes"),
        pytest.param(b"/images;x/7", AMBIGUOUS_PATH, id="parameter"),
        pytest.param(b"/images/1000000001%2F..%2F7", AMBIGUOUS_PATH, id="two-owners"),
        pytest.param(b"/images/a/1\\b%2F..%2F..%2F..%2Fx", AMBIGUOUS_PATH, id="mixed-slashes"),
        pytest.param(b"/images/%", BAD_PATH, id="broken-escape"),
        pytest.param(b"/images/%00", BAD_PATH, id="nul"),
        pytest.param(b"/" + b"%3A;x/a%2Fb/../c%5C..//d;y/" * 9, BAD_PATH, id="too-many-readings"),
    ],
)
def test_a_path_that_readers_could_take_to_different_places_is_refused(
    path: bytes, expected_: Reply
) -> None:
    decision = decide(_HALF, head(path), _LOW)
    assert decision == expected_
    assert expected_.status == 400


@pytest.mark.parametrize(
    ("path", "route"),
    [
        pytest.param(b"/products/../carts", "monolith", id="dots-within-a-route"),
        pytest.param(b"/products//7", "monolith", id="two-slashes-within-a-route"),
        pytest.param(b"/products/a%2Fb;c", "monolith", id="slash-and-parameter-within-a-route"),
        pytest.param(b"/images/7/a%3Ab", "images", id="reserved-below-an-id"),
        pytest.param(b"/im%61ges/%37", "images", id="unreserved-escapes"),
        pytest.param(b"/images/7/%20", "images", id="space"),
    ],
)
def test_a_path_that_all_readers_take_to_the_same_place_is_forwarded(
    path: bytes, route: str
) -> None:
    assert route == _forward(decide(_HALF, head(path), _LOW)).route.name


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("/images//7", Reason.OWNER, id="an id to who merges slashes"),
        pytest.param("/images/x/../7", Reason.OWNER, id="to who resolves dots"),
        pytest.param("/images/7/../x", Reason.OWNER, id="to who does not"),
        pytest.param("/images/;x", Reason.OWNER_LIST, id="the list to who drops parameters"),
        pytest.param("/images/x/..", Reason.OWNER_LIST, id="the list to who resolves dots"),
    ],
)
def test_what_one_reader_takes_for_owned_is_owned(path: str, reason: str) -> None:
    """Or a spelling would have another side asked for what it did not make."""
    forward = _forward(decide(table(images(), MONOLITH), head(path), 0.5))
    assert (forward.backend, forward.reason) == ("legacy", reason)


def test_a_request_that_no_route_takes_is_answered_with_404() -> None:
    assert decide(table(images(5)), head("/products"), _LOW) == NO_ROUTE
    assert NO_ROUTE.status == 404


def test_a_refusal_never_repeats_what_the_request_brought() -> None:
    for path in (b"/images/../<script>", b"/images/%zz<script>"):
        decision = decide(_HALF, head(path), _LOW)
        assert isinstance(decision, Reply)
        assert "script" not in decision.title + decision.detail


@pytest.mark.parametrize("weight", [0, 1, BUCKETS // 2, BUCKETS])
@pytest.mark.parametrize("pin", [_NEW, _OLD])
def test_a_tester_chooses_where_to_create_whatever_the_weight(weight: int, pin: str) -> None:
    """A weight of 0 keeps a backend known: testers reach it before any customer does."""
    decision = _forward(decide(table(images(weight), MONOLITH), _pinned(b"POST", pin), _LOW))
    assert (decision.backend, decision.reason) == (pin, Reason.PIN)


@pytest.mark.parametrize(
    ("method", "path", "reason", "backend"),
    [
        pytest.param(b"GET", "/images/7", Reason.OWNER, _OLD, id="known-owner"),
        pytest.param(b"DELETE", "/images/7/file", Reason.OWNER, _OLD, id="known-owner-changed"),
        pytest.param(b"GET", "/images/x", Reason.PIN, _NEW, id="unknown-looked-at"),
        pytest.param(b"HEAD", "/images", Reason.PIN, _NEW, id="list-looked-at"),
        pytest.param(b"DELETE", "/images/x", Reason.OWNER_UNKNOWN, _OLD, id="unknown-changed"),
        pytest.param(b"PUT", "/images", Reason.OWNER_LIST, _OLD, id="collection-changed"),
        pytest.param(b"GET", "/products", Reason.BACKEND, _OLD, id="no-split"),
    ],
)
def test_a_pin_never_overrides_an_owner_nor_changes_what_it_may_not_have_made(
    method: bytes, path: str, reason: ReasonText, backend: str
) -> None:
    decision = _forward(decide(_HALF, _pinned(method, _NEW, path), _LOW))
    assert (decision.reason, decision.backend) == (reason, backend)


def test_a_pin_to_a_backend_outside_the_split_says_nothing() -> None:
    decision = _forward(decide(_HALF, _pinned(b"POST", "elsewhere"), _LOW))
    assert (decision.reason, decision.backend) == (Reason.STICKY, _OLD)


@pytest.mark.parametrize("weight", [0, BUCKETS], ids=["none", "all"])
@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999999])
def test_an_end_of_the_scale_sends_all_new_work_one_way(weight: int, draw: float) -> None:
    decision = _forward(decide(table(images(weight), MONOLITH), head("/images", b"POST"), draw))
    assert decision.backend == (_NEW if weight else _OLD)


@pytest.mark.parametrize("weight", [0, 1, BUCKETS // 2, BUCKETS])
def test_what_exists_stays_where_it_was_made_whatever_the_weight(weight: int) -> None:
    routes = table(images(weight), MONOLITH)
    assert _forward(decide(routes, head("/images/7"), _LOW)).backend == _OLD
    assert _forward(decide(routes, head("/images/1000000001"), _LOW)).backend == _NEW


def test_a_customer_stays_on_its_side_whatever_is_drawn() -> None:
    request = head("/images", b"POST", _NEW_HEADER)
    decisions = {_forward(decide(_HALF, request, draw / 10)).backend for draw in range(10)}
    assert decisions == {_NEW}
    assert bucket_of(_NEW_CUSTOMER) < BUCKETS // 2


@given(snapshots(), requests(), draws)
@settings(max_examples=80, deadline=None)
def test_the_decision_is_the_one_that_the_documents_tell(
    snapshot: Snapshot, request: RequestHead, draw: float
) -> None:
    decision = decide(Table(snapshot), request, draw)
    if isinstance(decision, Reply):
        outcome = Expected(status=decision.status)
    else:
        outcome = Expected(
            route=decision.route.name, backend=decision.backend, reason=decision.reason
        )
    assert expected(snapshot, request, draw) == outcome


_OF_OWNERS = ("routing/owner.py", "routing/ids.py", "routing/pin.py", "wire/pins.py")


@pytest.mark.parametrize(
    ("request_", "pays"),
    [
        pytest.param(head("/images/7", named=_NEW_HEADER), True, id="with-an-owner"),
        pytest.param(head("/plain/7", named=_NEW_HEADER), False, id="a-split-without"),
        pytest.param(head("/products"), False, id="one-backend"),
    ],
)
def test_a_route_without_an_owner_pays_for_none(request_: RequestHead, pays: bool) -> None:
    """Counted, not timed: no function of ownership or pinning is called on its way."""
    plain = Route(
        name="plain", matches=(prefix("/plain"),), shares=images().shares, sticky=images().sticky
    )
    routes = table(images(), plain, MONOLITH)
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        decide(routes, request_, _LOW)
    finally:
        sys.setprofile(None)
    assert called
    assert any(name.endswith(_OF_OWNERS) for name in called) is pays
