"""The compiled types say what they mean, and nothing can change them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from gateway.routing.snapshot import Address, Backend, IdRange, Owner, Route, Sticky, Tls
from tests.unit.gateway.routing.shop import CLIENT_IP, IMAGE_OWNER, MONOLITH, images, prefix


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address(host="legacy", port=80), "legacy:80"),
        (Address(host="127.0.0.1", port=80), "127.0.0.1:80"),
        (Address(host="::1", port=80), "[::1]:80"),
        (Address(path="/run/shop.sock"), "unix:/run/shop.sock"),
    ],
    ids=str,
)
def test_an_address_is_shown_as_in_a_url(address: Address, expected: str) -> None:
    assert expected == str(address)


@pytest.mark.parametrize(
    ("addresses", "tls", "expected"),
    [
        ((Address(host="a", port=1), Address(host="b", port=2)), None, "a:1"),
        ((Address(host="a", port=443),), Tls(), "a:443"),
        ((Address(host="10.0.0.1", port=443),), Tls(server_name="shop"), "shop:443"),
        ((Address(path="/run/shop.sock"),), None, "localhost"),
    ],
    ids=["first-of-several", "tls", "tls-by-another-name", "unix-socket"],
)
def test_a_request_without_a_host_is_given_the_backends_own(
    addresses: tuple[Address, ...], tls: Tls | None, expected: str
) -> None:
    assert expected == Backend(name="b", addresses=addresses, tls=tls).authority


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
    expected = ("image_service", "legacy", "lost_and_found", "archive")
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
