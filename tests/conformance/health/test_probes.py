"""Probes, over real connections: what is asked, which answers are good, and when that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.control.probes import Prober
from gateway.routing.protection import Health
from gateway.routing.snapshot import Backend, Snapshot, Trust
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import at_port
from tests.conformance.doors.wire import until
from tests.conformance.health.conftest import SOFT_503

AT = datetime(2026, 11, 23, tzinfo=UTC)
# One result says all, and the next comes soon.
QUICK = Health(
    path="/readyz?deep=1", interval_s=0.01, timeout_s=9.0, unhealthy_after=1, healthy_after=1
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"busy": "x"}'
)
Follow = Callable[..., Prober]


def _snapshot(*backends: Backend) -> Snapshot:
    return Snapshot(digest="0" * 64, trust=Trust(), backends=backends, routes=())


def _backend(*origins: Origin, health: Health | None = QUICK) -> Backend:
    addresses = tuple(address for origin in origins for address in at_port(origin.port))
    return Backend(name="new", addresses=addresses, health=health, soft_errors=(SOFT_503,))


@pytest.fixture
async def told() -> list[None]:
    """One for each time that findings have changed."""
    return []


@pytest.fixture
async def follow(told: list[None]) -> AsyncIterator[Follow]:
    """Probe backends."""
    prober = Prober(lambda: AT, lambda: told.append(None))

    def begin(*backends: Backend) -> Prober:
        prober.follow(_snapshot(*backends))
        return prober

    yield begin
    prober.close()


async def _serve(origin: Origin, answer: bytes) -> bytes:
    """Answer the next probe; return its head."""
    backend = await origin.accept()
    head = await backend.read_until(b"\r\n\r\n")
    await backend.send(answer)
    return head


async def test_a_probe_asks_for_the_path_over_a_connection_of_its_own(
    follow: Follow, candidate: Origin
) -> None:
    follow(_backend(candidate))
    for _ in range(3):
        head = await _serve(candidate, OK)
        assert head.startswith(b"GET /readyz?deep=1 HTTP/1.1\r\n")
        assert b"Host: 127.0.0.1:%d\r\n" % candidate.port in head
        assert b"User-Agent: figueira-probe\r\n" in head


async def _hang(origin: Origin) -> None:
    await (await origin.accept()).read_until(b"\r\n\r\n")


async def _reset(origin: Origin) -> None:
    backend = await origin.accept()
    await backend.read_until(b"\r\n\r\n")
    backend.reset()


async def _refuse(origin: Origin) -> None:
    origin.close()


def _say(answer: bytes) -> Callable[[Origin], Awaitable[bytes]]:
    return lambda origin: _serve(origin, answer)


@pytest.mark.parametrize(
    ("serve", "is_ill", "detail"),
    [
        (_say(OK), False, "status 200"),
        (_say(OK.replace(b"200 OK", b"302 Found")), False, "status 302"),
        (_say(OK.replace(b"200 OK", b"503 Later")), True, "status 503"),
        (_say(OK.replace(b"200 OK", b"404 What")), True, "status 404"),
        (_say(BUSY), True, "status 503"),
        (_say(OK.replace(b": 2", b": 2000000")), False, "status 200"),
        (_hang, True, "no answer in 0.2 s"),
        (_reset, True, "closed"),
        (_say(b"what?\r\n\r\n"), True, "protocol"),
        (_refuse, True, "refused"),
    ],
    ids=["200", "302", "503", "404", "soft", "long", "hang", "reset", "babble", "refuse"],
)
async def test_which_answers_are_good(  # noqa: PLR0917 - a row of the table above
    follow: Follow,
    told: list[None],
    candidate: Origin,
    serve: Callable[[Origin], Awaitable[None]],
    is_ill: bool,
    detail: str,
) -> None:
    health = replace(QUICK, timeout_s=0.2 if serve is _hang else QUICK.timeout_s)
    prober = follow(_backend(candidate, health=health))
    await serve(candidate)
    await until(lambda: bool(told))
    assert prober.findings() == {"new": {f"127.0.0.1:{candidate.port}": is_ill}}
    (probe,) = prober.probes()
    assert detail in probe.detail
    assert probe.since == AT


async def test_it_is_told_when_it_changes_and_not_else(
    follow: Follow,
    told: list[None],
    candidate: Origin,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    prober = follow(_backend(candidate))
    for answer in (OK, OK, BUSY, BUSY, OK):
        await _serve(candidate, answer)
    await until(lambda: len(told) == 3)
    assert prober.findings() == {"new": {f"127.0.0.1:{candidate.port}": False}}
    place = f"backend=new address=127.0.0.1:{candidate.port}"
    assert caplog.messages == [
        f'address_ill {place} why="status 503"',
        f"address_well {place}",
    ]


async def test_each_address_is_probed_by_itself(
    follow: Follow, told: list[None], candidate: Origin, legacy: Origin
) -> None:
    prober = follow(_backend(candidate, legacy))
    await asyncio.gather(_serve(candidate, OK), _serve(legacy, BUSY))
    await until(lambda: len(told) == 2)
    assert prober.findings() == {
        "new": {f"127.0.0.1:{candidate.port}": False, f"127.0.0.1:{legacy.port}": True}
    }


async def test_a_new_revision_keeps_what_is_known_of_what_has_not_changed(
    follow: Follow, told: list[None], candidate: Origin
) -> None:
    prober = follow(_backend(candidate))
    await _serve(candidate, BUSY)
    await until(lambda: bool(told))
    (before,) = prober.probes()
    follow(_backend(candidate), Backend(name="other", addresses=at_port(9)))
    assert prober.probes() == [before]
    assert follow(_backend(candidate, health=None)).findings() == {}
