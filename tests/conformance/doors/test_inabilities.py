"""The docs say what each door cannot do, and nothing that they say is hearsay."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest
from uvicorn.config import Config

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.crossings import CROSSINGS
from tests.conformance.doors.inabilities import INABILITIES, render
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.servers import ASGI_DOORS, DOORS, HTTPTOOLS, Door
from tests.conformance.doors.test_smuggling import TRICKS
from tests.conformance.doors.wire import settle, until

_DOCS = Path(__file__).parents[3] / "docs" / "not-supported.md"
_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_HEAD_PATIENCE_S = 11.0
_MANY = 4_000
"""Come in one read; our own door parses some 600 at once and then stops."""


def test_the_docs_hold_the_table_as_it_is() -> None:
    """`python -m tests.conformance.doors.inabilities` prints it."""
    assert render() in _DOCS.read_text("utf-8")


def test_every_inability_is_shown_by_a_crossing_or_a_test() -> None:
    shown_by = {
        name for inability in INABILITIES for names in inability.shown_by.values() for name in names
    }
    tests = {name for name in shown_by if "." in name}
    known = {crossing.id for crossing in CROSSINGS} | {trick.id for trick in TRICKS}
    assert shown_by - tests <= known
    for name in tests:
        module, _, function = name.partition(".")
        assert callable(getattr(importlib.import_module(f"{__package__}.{module}"), function))


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_a_head_may_take_for_ever(door: Door, open_stage: OpenStage) -> None:
    """The gateway's own limit holds at its own door alone."""
    stage = await open_stage(door)
    customer = await stage.ask(_GET[:-2])
    await settle()
    stage.pass_time(_HEAD_PATIENCE_S)
    await settle()
    is_refused = await customer.has_bytes()
    assert is_refused == (door not in ASGI_DOORS)


@pytest.mark.parametrize("door", [door for door in DOORS if door.name != "hypercorn"], ids=str)
async def test_pipelined_requests_pile_up(
    door: Door, open_stage: OpenStage, origin: Origin
) -> None:
    """Counted within the server: from outside, only its memory would tell."""
    stage = await open_stage(door)
    await stage.ask(_GET * _MANY)
    backend = await origin.accept()
    await backend.head()
    (connection,) = stage.state.connections
    queued = max(len(getattr(connection, name, ())) for name in ("pipeline", "_queue"))
    assert (queued > 1_000) == (door is HTTPTOOLS)


async def test_uvicorn_believes_anybody_on_this_machine_unless_told_not_to(
    open_stage: OpenStage, origin: Origin
) -> None:
    """Why the docs give ``--no-proxy-headers``."""
    assert Config("x").proxy_headers
    stage = await open_stage()
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def app(scope: dict[str, object], *_: object) -> None:
        seen.set_result(str(scope["client"]))

    config = Config(app, lifespan="off", log_config=None)
    config.load()
    scope = {
        "type": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"6.6.6.6")],
    }
    await config.loaded_app(scope, _nothing, _nothing)
    assert "6.6.6.6" in seen.result()
    # The gateway itself believes its `trust.proxies`, and here these hold nobody.
    customer = await stage.ask(_GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"))
    await (await origin.accept()).serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await customer.read_until(b"\r\n\r\n")
    await until(lambda: stage.answered() == 1)
    assert stage.line()["client"] == "127.0.0.1"


async def _nothing(*_: object) -> None:
    """Neither receives nor sends."""
