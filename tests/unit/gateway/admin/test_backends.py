"""What the admin port says of backends that are ill."""

from __future__ import annotations

import pytest

from gateway.admin.backends import backends_of, checks_of
from gateway.admin.view import Address
from gateway.config import load
from gateway.telemetry.counters import Counters

_SNAPSHOT = load(
    b"""\
version: 1
backends:
  legacy: {url: "http://h:1"}
  new: {urls: ["http://h:2", "http://h:3"], fallback: {on: [unavailable], to: legacy}}
routes:
  - {name: extras, match: {path: /extras}, backend: new}
  - {name: images, match: {path: /images}, split: {new: 5, legacy: rest}}
  - {name: done, match: {path: /done}, split: {new: 100, legacy: 0}}
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""
)
_WELL = (Address(address="h:2"), Address(address="h:3"))


def _detail(counters: Counters, *addresses: Address) -> str:
    """What the check of ``new`` says; empty if all is well."""
    known = {"legacy": [Address(address="h:1")], "new": list(addresses or _WELL)}
    legacy, new = checks_of(_SNAPSHOT, backends_of(_SNAPSHOT, counters, known))
    assert (legacy.name, new.name) == ("backend:legacy", "backend:new")
    assert new.ok is (new.detail == "")
    return new.detail


def test_a_backend_shows_what_is_counted_of_it() -> None:
    counters = Counters(
        service={"new": {"in": 1, "out:breaker": 1}},
        breaker_opened={"new": 3},
        upstream_in_flight={"new": 7},
    )
    legacy, new = backends_of(_SNAPSHOT, counters, {"legacy": [], "new": list(_WELL)})
    assert (new.service, new.breaker_opened, new.in_flight) == (
        {"in": 1, "out:breaker": 1},
        3,
        7,
    )
    assert (new.fallback, legacy.fallback, new.addresses) == ("legacy", "", _WELL)


@pytest.mark.parametrize("service", [{}, {"new": {"in": 2}, "legacy": {"out:breaker": 2}}])
def test_nothing_is_said_of_a_backend_that_is_well(service: dict[str, dict[str, int]]) -> None:
    assert _detail(Counters(service=service)) == ""


def test_it_says_who_finds_it_ill_why_and_what_comes_of_it() -> None:
    assert _detail(Counters(service={"new": {"out:breaker": 1, "in": 1}})) == (
        "out of service (breaker) with 1 of 2 workers; new work of images goes elsewhere; "
        "extras, done have nobody else for writes, "
        "and fall back to legacy for reads"
    )


def test_if_all_are_out_everybody_stays() -> None:
    service = {"new": {"out:probes": 2}, "legacy": {"out:ejected": 2}}
    assert _detail(Counters(service=service)) == (
        "out of service (probes) with 2 of 2 workers; "
        "extras, images, done have nobody else for writes, and fall back to legacy for reads"
    )


def test_one_address_of_several_is_named_with_its_reason() -> None:
    ill = Address(address="h:2", probe="ill", probe_detail="status 503")
    failing = Address(address="h:3", ejected_by=1)
    assert _detail(Counters(service={"new": {"in": 2}}), ill, failing) == (
        "h:2 is ill: status 503; requests to h:3 fail"
    )


def test_a_trial_is_told() -> None:
    assert _detail(Counters(service={"new": {"trial:breaker": 2}})) == (
        "on trial (breaker) with 2 of 2 workers"
    )
