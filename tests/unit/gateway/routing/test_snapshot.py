"""The compiled types say what they mean, and nothing can change them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from gateway.routing.snapshot import Backend, IdRange, Owner, Route, Sticky
from tests.unit.gateway.routing.shop import CLIENT_IP, IMAGE_OWNER, MONOLITH, images, prefix


@pytest.mark.parametrize(
    ("host", "expected"),
    [("legacy", "legacy:80"), ("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")],
)
def test_an_authority_is_written_as_in_a_url(host: str, expected: str) -> None:
    assert expected == Backend(name="b", host=host, port=80).authority


@pytest.mark.parametrize(
    ("sticky", "expected"),
    [
        (Sticky(source="header", name="x-customer-id"), "header:x-customer-id"),
        (Sticky(source="cookie", name="customer"), "cookie:customer"),
        (CLIENT_IP, "client_ip"),
    ],
    ids=str,
)
def test_a_sticky_source_is_shown_as_it_is_written(sticky: Sticky, expected: str) -> None:
    assert expected == str(sticky)


def test_a_route_names_every_backend_it_could_choose_once() -> None:
    assert MONOLITH.backends == ("legacy",)
    assert images(owner=None).backends == ("image_service", "legacy")
    owner = Owner(
        collection="/images",
        ranges=(IdRange(backend="archive", first=1, last=9),),
        unknown="lost_and_found",
        lists="legacy",
    )
    expected = ("image_service", "legacy", "archive", "lost_and_found")
    assert expected == images(owner=owner).backends


def test_nothing_of_a_snapshot_can_be_changed() -> None:
    for thing in (MONOLITH, IMAGE_OWNER, prefix("/"), CLIENT_IP):
        field = next(iter(thing.__dataclass_fields__))
        with pytest.raises(FrozenInstanceError):
            setattr(thing, field, "")


def test_equal_routes_are_equal_so_that_a_reload_can_tell_what_changed() -> None:
    assert images(5) == images(5)
    assert images(5) != images(6)
    assert Route(name="monolith", matches=(prefix("/"),), backend="legacy") == MONOLITH
