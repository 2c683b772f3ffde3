"""An id in no range is looked for on the other side too, by safe methods and never when owned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.config import load
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import until

_ROUTES = """\
version: 1
backends:
  legacy:
    url: "http://127.0.0.1:{0}"
    soft_errors: [{{json: $.error, as: 404}}]
  image_service: {{url: "http://127.0.0.1:{1}"}}
routes:
  - name: images
    match: {{path_prefix: /images}}
    split: {{image_service: 50, legacy: rest}}
    owner:
      id: "/images/{{id}}"
      ranges: {{legacy: 1..999, image_service: 1000..}}
      unknown: legacy
      second_look: image_service
      lists: legacy
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""
_MISS = b'{"error":"no such image"}'
_FOUND = b'{"id":"sunset"}'


def _request(method: bytes, path: bytes) -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: shop\r\n\r\n" % (method, path)


def _answer(status: bytes, body: bytes) -> bytes:
    kind = b"Content-Type: application/json\r\n"
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, kind, len(body), body)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Production's loop."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def legacy() -> Iterator[Origin]:
    """The side for unknown ids, which says 200 and means 404."""
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture
def service() -> Iterator[Origin]:
    """The side that is asked as well."""
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture
async def stage(legacy: Origin, service: Origin) -> AsyncIterator[Stage]:
    """A door before both."""
    stage = Stage(load(_ROUTES.format(legacy.port, service.port).encode()))
    await stage.open()
    yield stage
    await stage.close()


async def _asked(origin: Origin) -> Backend:
    backend = await origin.accept()
    await backend.head()
    return backend


@pytest.mark.parametrize(
    "miss", [_answer(b"200 OK", _MISS), _answer(b"404 Not Found", b"")], ids=["soft", "404"]
)
async def test_what_one_side_misses_the_other_may_have(
    stage: Stage, legacy: Origin, service: Origin, miss: bytes
) -> None:
    """The customer gets the one answer; the access line tells of both."""
    customer = await stage.ask(_request(b"GET", b"/images/sunset"))
    await (await _asked(legacy)).send(miss)
    await (await _asked(service)).send(_answer(b"200 OK", _FOUND))
    assert await customer.answer() == _answer(b"200 OK", _FOUND)
    line = stage.line()
    told = ("status", "backend", "reason", "instead_of", "because")
    expected = (200, "image_service", "second_look", "legacy", "status:404")
    assert tuple(line[key] for key in told) == expected
    lanes = {lane.backend: lane for lane in stage.gateway.counters().lanes if sum(lane.by_class)}
    assert lanes["image_service"].by_reason == {"second_look": 1}


async def test_what_neither_has_is_missed_in_the_first_sides_words(
    stage: Stage, legacy: Origin, service: Origin
) -> None:
    customer = await stage.ask(_request(b"GET", b"/images/sunset"))
    await (await _asked(legacy)).send(_answer(b"200 OK", _MISS))
    await (await _asked(service)).send(_answer(b"404 Not Found", b""))
    assert await customer.answer() == _answer(b"200 OK", _MISS)
    line = stage.line()
    assert (line["backend"], line["reason"]) == ("legacy", "owner_unknown")
    assert line["also_asked"] == "image_service"


async def test_what_cannot_be_looked_for_is_not_said_to_be_missing(
    stage: Stage, legacy: Origin, service: Origin
) -> None:
    customer = await stage.ask(_request(b"GET", b"/images/sunset"))
    await (await _asked(legacy)).send(_answer(b"404 Not Found", b""))
    (await _asked(service)).reset()
    assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param(b"DELETE", b"/images/sunset", id="a-change"),
        pytest.param(b"GET", b"/images/7", id="a-known-owner"),
        pytest.param(b"GET", b"/images", id="a-list"),
    ],
)
async def test_nothing_else_is_asked_of_a_second_side(
    stage: Stage, legacy: Origin, service: Origin, method: bytes, path: bytes
) -> None:
    customer = await stage.ask(_request(method, path))
    await (await _asked(legacy)).send(_answer(b"404 Not Found", b"no"))
    assert await customer.answer() == _answer(b"404 Not Found", b"no")
    assert service.is_untouched()


async def test_a_customer_who_leaves_takes_the_second_look_back(
    stage: Stage, legacy: Origin, service: Origin
) -> None:
    customer = await stage.ask(_request(b"GET", b"/images/sunset"))
    await (await _asked(legacy)).send(_answer(b"404 Not Found", b""))
    second = await _asked(service)
    customer.reset()
    assert (await second.read_to_end()).data == b""
    assert stage.line()["status"] == 499
    await until(lambda: stage.open_connections() <= 1)
