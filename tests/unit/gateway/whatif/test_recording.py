"""What access lines note: enough to decide again, and nothing that is a customer's own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.routing.decide import Forward, decide
from gateway.routing.snapshot import Match, Route, Sensitive, Snapshot
from gateway.routing.split import bucket_of
from gateway.telemetry.access_line import AccessLine, encode_lines
from gateway.whatif import recording as module
from gateway.whatif.recording import LONGEST_TOLD_BYTES
from gateway.whatif.tokens import Tokens
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.generated import requests, snapshots
from tests.unit.gateway.routing.shop import MONOLITH, head, images, snapshot
from tests.unit.gateway.whatif.recorded import KEY, Recorded

_TOKENS = Tokens(KEY)
_PAGE = Match(path_prefix="/", query=(("v", "2"), ("código", "x")))
_BETA = Match(path_prefix="/", headers=(("x-beta", "on"), ("x-api-key", "gold")))
_FILE = snapshot(
    Route(name="page", matches=(_PAGE,), backend="image_service"),
    Route(name="beta", matches=(_BETA,), backend="image_service"),
    images(5_000),
    MONOLITH,
)


def _noted(recorded: Recorded, request: RequestHead) -> dict[str, Any]:
    line = json.loads(recorded.line(request))
    return {key: line[key] for key in ("sticky", "headers", "query") if key in line}


def test_a_file_that_asks_for_nothing_notes_nothing() -> None:
    """Not for a single route: the plain path pays one look at an attribute."""
    assert Recorded(snapshot(MONOLITH)).recording.notes == {}
    assert list(Recorded(snapshot(images(1), MONOLITH)).recording.notes) == ["images"]


def test_a_request_of_an_older_revision_notes_nothing() -> None:
    """Its head holds what the older file asked for: what is not there may have been."""
    recorded = Recorded(snapshot(images(1), MONOLITH))
    recorded.recording.install(_FILE, 2)
    line = recorded.access_line(head("/images", b"POST", {b"x-customer-id": b"7"}))
    assert (line.revision, line.sticky, line.headers) == (1, None, None)


def test_each_sticky_source_has_its_bucket_and_token_or_is_said_to_be_absent() -> None:
    request = head("/images", b"POST", {b"x-customer-id": b"42"}, "192.0.2.1")
    noted = _noted(Recorded(snapshot(images(5_000), MONOLITH)), request)
    assert noted == {
        "sticky": {
            "header:x-customer-id": {
                "bucket": bucket_of(b"42"),
                "token": _TOKENS.token(b"42"),
            },
            "cookie:customer": None,
            "client_ip": {
                "bucket": bucket_of(b"192.0.2.1"),
                "token": _TOKENS.token(b"192.0.2.1"),
            },
        }
    }


def test_values_that_routes_ask_for_stand_as_they_are_unless_they_are_sensitive() -> None:
    request = head("/?v=1&c%C3%B3digo=a+b", named={b"x-beta": b"off", b"x-api-key": b"s3cret"})
    hidden = {"token": _TOKENS.token(b"s3cret")}
    assert _noted(Recorded(_FILE), request) == {
        "headers": {"x-beta": "off", "x-api-key": hidden},
        "query": {"v": "1", "código": "a b"},
    }
    declared = replace(_FILE, sensitive=Sensitive(headers=("x-beta",), query=("v",)))
    assert _noted(Recorded(declared), request) == {
        "headers": {"x-beta": {"token": _TOKENS.token(b"off")}, "x-api-key": hidden},
        "query": {"v": {"token": _TOKENS.token(b"1")}, "código": "a b"},
    }


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"x" * (LONGEST_TOLD_BYTES + 1), id="longer than any word"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_a_value_that_cannot_stand_in_a_line_is_a_token(value: bytes) -> None:
    noted = _noted(Recorded(_FILE), head("/", named={b"x-beta": value}))
    assert noted["headers"]["x-beta"] == {"token": _TOKENS.token(value)}


@given(snapshots(), requests())
@settings(max_examples=30)
def test_promise_8_no_sticky_value_reaches_a_line(snapshot: Snapshot, request: RequestHead) -> None:
    marked = head(b"/images", b"POST", {b"x-customer-id": b"hush-1", b"cookie": b"customer=hush-2"})
    recorded = Recorded(snapshot)
    assert b"hush" not in recorded.line(marked)
    assert recorded.line(request) == recorded.line(request)


def test_notes_are_made_once_for_a_customer_and_kept_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED_BYTES", 6_000)
    recorded = Recorded(snapshot(images(5_000), MONOLITH))
    ((notes, place),) = recorded.recording.notes.values()
    line = recorded.access_line(head("/images"))
    for number in range(20):
        notes.write(line, head("/images", named={b"x-customer-id": b"%d" % number}), place)
        notes.write(line, head("/images", named={b"x-customer-id": b"%d" % number}), place)
        assert len(notes.remembered) <= 5
    notes.write(line, head("/images", named={b"x-customer-id": b"x" * 5_000}), place)
    assert len(notes.remembered) <= 5


def _many_routes(count: int) -> Snapshot:
    """The images' route, so many times, each at a path of its own."""
    routes = [
        replace(images(5_000), name=f"r{n}", matches=(Match(path_prefix=f"/r{n}"),), owner=None)
        for n in range(count)
    ]
    return snapshot(*routes, MONOLITH)


def test_a_customer_of_many_routes_is_noted_once_and_told_of_for_each() -> None:
    recorded = Recorded(_many_routes(50))
    for _ in range(2):
        for route in range(50):
            recorded.line(head(f"/r{route}", b"POST", {b"x-customer-id": b"42"}))
    (notes,) = {notes for notes, _ in recorded.recording.notes.values()}
    assert len(notes.remembered) == 1
    told = recorded.recording.sightings.take()
    assert len({each.route for each in told}) == 50
    assert len(told) == len({(each.route, each.by) for each in told}), "once each"


def test_customers_of_many_routes_take_no_more_room_than_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED_BYTES", 6_000)
    recorded = Recorded(_many_routes(1_000))
    notes, _ = recorded.recording.notes["r0"]
    for number in range(20):
        recorded.line(head("/r0", b"POST", {b"x-customer-id": b"%d" % number}))
        assert len(notes.remembered) == 1


def test_new_work_is_told_where_no_line_is_written_too() -> None:
    made = snapshot(images(100_000), MONOLITH)
    written, unwritten = Recorded(made), Recorded(made)
    for request in (
        head("/images", b"POST", {b"x-customer-id": b"42"}, "192.0.2.1"),
        head("/images", b"POST", {b"cookie": b"customer=7"}, "192.0.2.1"),
        head("/images/7", client_ip="192.0.2.2"),
        head("/products", client_ip="192.0.2.3"),
    ):
        written.line(request)
        decision = decide(unwritten.table, request, 0.5)
        assert isinstance(decision, Forward)
        unwritten.recording.see(decision, 1, request)
        unwritten.recording.see(decision, 2, request)
    told = unwritten.recording.sightings.take()
    assert told == written.recording.sightings.take()
    assert len(told) == 3


def test_new_work_is_told_once_for_each_customer_and_side() -> None:
    recorded = Recorded(snapshot(images(100_000), MONOLITH))
    take = recorded.recording.sightings.take
    request = head("/images", b"POST", {b"x-customer-id": b"42"}, "192.0.2.1")
    recorded.line(request)
    recorded.line(request)
    told = take()
    assert {(each.by, each.token, each.backend) for each in told} == {
        ("header:x-customer-id", _TOKENS.token(b"42"), "image_service"),
        ("client_ip", _TOKENS.token(b"192.0.2.1"), "image_service"),
    }
    recorded.line(head("/images/7", b"GET", {b"x-customer-id": b"43"}))
    assert take() == [], "what exists may be on any side"
    recorded.recording.forget()
    recorded.line(request)
    assert len(take()) == len(told), "another control is told again"


@pytest.mark.parametrize("is_matched", [True, False], ids=["a-route-asks", "no-route-asks"])
def test_a_host_that_is_sensitive_stands_in_no_line(is_matched: bool) -> None:
    """Neither beside its token, nor of a request that got no route."""
    asks = Match(path_prefix="/", hosts=("shop.example",))
    shop = Route(name="shop", matches=(asks,), backend="legacy")
    routes = [shop, MONOLITH] if is_matched else [MONOLITH]
    file = replace(snapshot(*routes), sensitive=Sensitive(headers=("host",)))
    recorded = Recorded(file)
    request = head("/", b"GET", {b"host": b"shop.example"})
    line = recorded.access_line(request)
    unrouted = AccessLine("", "GET", "/", 400, 1.0, host="shop.example")
    line.host = "shop.example"
    for each in (line, unrouted):
        recorded.recording.write(each, request)
    written = encode_lines([line, unrouted])
    assert b"shop.example" not in written
    assert (_TOKENS.token(b"shop.example").encode() in written) is is_matched
