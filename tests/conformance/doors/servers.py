"""The doors: our own protocol class, and the ASGI application under the servers people run.

The servers are told, as the docs say, not to touch customers' addresses nor answers' fields.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import hypercorn.asyncio
import hypercorn.config
from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway import app as composition
from gateway.proxy.direct import DirectConnection
from gateway.proxy.gateway import Gateway

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

Serve = Callable[[Gateway, ServerState, socket.socket], AbstractAsyncContextManager[None]]
"""Serves a listening socket while the block runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A way into the gateway."""

    name: str
    """As the docs call it."""
    serve: Serve

    def __str__(self) -> str:
        return self.name


@asynccontextmanager
async def _serve_directly(
    gateway: Gateway, state: ServerState, listener: socket.socket
) -> AsyncIterator[None]:
    """As `figueira serve` does."""
    config = Config(app="none", http=DirectConnection)
    server = await asyncio.get_running_loop().create_server(
        lambda: DirectConnection(config=config, server_state=state, app_state={"gateway": gateway}),
        sock=listener,
    )
    try:
        yield
    finally:
        server.close()


def _application(gateway: Gateway) -> Starlette:
    """`gateway.app:app` with a gateway that is there already."""
    application = Starlette()
    application.router.default = composition.app.router.default
    application.state.gateway = gateway
    return application


@asynccontextmanager
async def _serve_by_uvicorn(
    parser: Literal["httptools", "h11"],
    gateway: Gateway,
    state: ServerState,
    listener: socket.socket,
) -> AsyncIterator[None]:
    """As ``uvicorn --http PARSER --no-proxy-headers ... gateway.app:app`` does."""
    config = Config(
        _application(gateway),
        http=parser,
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
    )
    config.load()
    protocol = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]  # as uvicorn's own server calls it
        sock=listener,
    )
    try:
        yield
    finally:
        server.close()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


@asynccontextmanager
async def _serve_by_hypercorn(
    gateway: Gateway, _: ServerState, listener: socket.socket
) -> AsyncIterator[None]:
    """As ``hypercorn gateway.app:app`` does."""
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.include_date_header = config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.graceful_timeout = 0.0
    application = cast("ASGIFramework", _application(gateway))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hypercorn.asyncio.serve(application, config, shutdown_trigger=stop.wait))
        try:
            yield
        finally:
            stop.set()


DIRECT = Door(name="figueira serve", serve=_serve_directly)
HTTPTOOLS = Door(name="uvicorn, httptools", serve=partial(_serve_by_uvicorn, "httptools"))
H11 = Door(name="uvicorn, h11", serve=partial(_serve_by_uvicorn, "h11"))
HYPERCORN = Door(name="hypercorn", serve=_serve_by_hypercorn)
ASGI_DOORS = (HTTPTOOLS, H11, HYPERCORN)
DOORS = (DIRECT, *ASGI_DOORS)
