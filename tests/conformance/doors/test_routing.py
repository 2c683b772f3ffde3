"""What is read from the wire is what routes are chosen by, at every door."""

from __future__ import annotations

import pytest

from gateway.config import load
from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import DOORS
from tests.conformance.doors.stage import Stage

ROUTES = """\
version: 1
backends: {{legacy: {{url: "http://127.0.0.1:{port}"}}}}
routes:
  - {{name: shop, match: {{path_prefix: /, hosts: [shop.example]}}, backend: legacy}}
  - {{name: any-shop, match: {{path_prefix: /, hosts: ["*.shop.example"]}}, backend: legacy}}
  - {{name: exact, match: {{path: /images/7}}, backend: legacy}}
  - {{name: numbers, match: {{path_regex: '/images/[0-9]+(/.*)?'}}, backend: legacy}}
  - {{name: images, match: {{path_prefix: /images}}, backend: legacy}}
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""
OTHER = b"Host: other.example\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(params=DOORS, ids=lambda door: door.name)
async def stage_by_routes(
    request: pytest.FixtureRequest, open_stage: OpenStage, origin: Origin
) -> Stage:
    """Each door in turn, with the routes above."""
    stage = await open_stage(request.param)
    stage.gateway.install(load(ROUTES.format(port=origin.port).encode()), 2)
    return stage


@pytest.mark.parametrize(
    ("target", "fields", "route"),
    [
        pytest.param(b"/", b"Host: shop.example\r\n", "shop", id="host"),
        pytest.param(b"/", b"HOST:  Shop.Example:8000 \r\n", "shop", id="spelling-and-port"),
        pytest.param(b"/", b"Host: shop.example.\r\n", "shop", id="final-dot"),
        pytest.param(b"/", b"Host: a.b.shop.example\r\n", "any-shop", id="wildcard"),
        pytest.param(b"/images/7", b"Host: shop.example\r\n", "shop", id="host-over-path"),
        pytest.param(b"/", b"Host: xshop.example\r\n", "rest", id="whole-labels"),
        pytest.param(b"/", OTHER + b"X-Forwarded-Host: shop.example\r\n", "rest", id="forwarded"),
        pytest.param(b"/images/7", OTHER, "exact", id="exact"),
        pytest.param(b"/images/8/x?a=1", OTHER, "numbers", id="pattern"),
        pytest.param(b"/images/%38", OTHER, "numbers", id="pattern-on-the-canonical-path"),
        pytest.param(b"/images/x8", OTHER, "images", id="prefix"),
    ],
)
async def test_the_route_is_the_most_specific_one(
    stage_by_routes: Stage, origin: Origin, target: bytes, fields: bytes, route: str
) -> None:
    customer = await stage_by_routes.ask(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, fields))
    await (await origin.accept()).serve(ANSWER)
    await customer.answer()
    assert stage_by_routes.line()["route"] == route


@pytest.mark.parametrize(
    "rest",
    [b"HTTP/1.1\r\nHost: other.example\r\n\r\n", b"HTTP/1.0\r\n\r\n"],
    ids=["beside another", "alone"],
)
async def test_the_targets_own_host_counts(
    open_stage: OpenStage, origin: Origin, rest: bytes
) -> None:
    """RFC 9112, section 3.2.2; servers under the ASGI door do not pass it on."""
    stage = await open_stage()
    stage.gateway.install(load(ROUTES.format(port=origin.port).encode()), 2)
    customer = await stage.ask(b"GET http://shop.example/x " + rest)
    await (await origin.accept()).serve(ANSWER)
    await customer.answer()
    assert stage.line()["route"] == "shop"


async def test_a_request_without_a_host_meets_no_condition_on_it(
    stage_by_routes: Stage, origin: Origin
) -> None:
    customer = await stage_by_routes.ask(b"GET / HTTP/1.0\r\n\r\n")
    await (await origin.accept()).serve(ANSWER)
    await customer.answer()
    assert stage_by_routes.line()["route"] == "rest"
    assert customer.answers[0].status == 200


async def test_a_path_that_a_pattern_takes_in_one_reading_alone_is_refused(
    open_stage: OpenStage, origin: Origin
) -> None:
    """A backend could read it as the other."""
    stage = await open_stage()
    stage.gateway.install(load(ROUTES.format(port=origin.port).encode()), 2)
    customer = await stage.ask(b"GET /images/x%2F..%2F8 HTTP/1.1\r\nHost: a\r\n\r\n")
    await customer.answer()
    assert customer.answers[0].status == 400
