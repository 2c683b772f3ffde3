"""Composition root: the only module that knows every package.

`serve` runs the whole gateway as processes; `app` is the same gateway as an ASGI application.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from gateway.admin.app import create_app
from gateway.admin.from_control import ControlView
from gateway.control.children import Work
from gateway.control.control import ControlPlan, run_control
from gateway.control.lifeline import Lifeline
from gateway.control.loading import load_config
from gateway.control.log import note, start_log
from gateway.control.messages import Accepted, Left
from gateway.control.reload import read_environment
from gateway.control.servers import listen
from gateway.control.single import running_gateway
from gateway.control.supervisor import Supervisor, SupervisorPlan
from gateway.control.worker import WorkerPlan, check_access_log, run_worker
from gateway.errors import StartError
from gateway.proxy.asgi import AsgiDoor, Receive, Scope, Send
from gateway.proxy.gateway import Gateway
from gateway.settings import Settings, read_settings
from gateway.telemetry.events import Event

_NOT_HERE = "give an address of this machine"
_BIND_REMEDIES = {
    errno.EADDRINUSE: "stop what uses it or choose another",
    errno.EADDRNOTAVAIL: _NOT_HERE,
    errno.EACCES: "choose one above 1023, or let this user take it",
}


def serve(settings: Settings) -> int:
    """Run the gateway until told to stop; return the exit code.

    Raises:
        StartError: A port, a folder or a file cannot be used.
        ConfigError: routes.yaml cannot be used.
    """
    start_log("supervisor")
    load_config(settings.config, read_environment())
    check_access_log(settings.access_log)
    _allow_connections()
    listener = _bind("customers'", settings.host, settings.port)
    try:
        admin_listener = _bind("admin", settings.admin_host, settings.admin_port)
    except StartError:
        listener.close()
        raise

    def started(revision: int) -> None:
        note(
            Event.STARTED,
            customers=url_of(listener),
            admin=url_of(admin_listener),
            revision=revision,
            workers=settings.workers,
        )

    plan = SupervisorPlan(
        listener=listener,
        admin_listener=admin_listener,
        workers=settings.workers,
        drain_s=settings.drain_s,
        control=lambda *told: _control_work(settings, listener, admin_listener, told),
        worker=lambda accepted: _worker_work(settings, listener, admin_listener, accepted),
        started=started,
    )
    return Supervisor(plan).run()


def url_of(listener: socket.socket) -> str:
    """The URL that a listening socket answers at."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_connections() -> None:
    """Lift the limit of descriptors as far as it goes: each request in flight takes two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(whose: str, host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        # Python adds what it tried, which is said here already.
        why = (error.strerror or str(error)).partition(" (while ")[0]
        # Numbers that are no errno are getaddrinfo's: the name leads nowhere.
        remedy = _BIND_REMEDIES.get(error.errno or 0, _NOT_HERE)
    except ValueError:
        why, remedy = "this is no host name", _NOT_HERE
    raise StartError(f"{whose} port {host}:{port}: {why}; {remedy}")


def _control_work(
    settings: Settings,
    listener: socket.socket,
    admin_listener: socket.socket,
    told: tuple[Accepted | None, Left | None],
) -> Work:
    resumed, left = told

    def work(lifeline: Lifeline) -> Coroutine[Any, Any, None]:
        listener.close()
        plan = ControlPlan(
            config=settings.config,
            database_url=settings.database_url,
            workers=settings.workers,
            admin_listener=admin_listener,
            lifeline=lifeline,
            resumed=resumed,
            left=left,
            make_admin=lambda control: create_app(ControlView(control)),
        )
        return run_control(plan)

    return work


def _worker_work(
    settings: Settings,
    listener: socket.socket,
    admin_listener: socket.socket,
    accepted: Accepted,
) -> Work:
    def work(lifeline: Lifeline) -> Coroutine[Any, Any, None]:
        admin_listener.close()
        plan = WorkerPlan(
            listener=listener,
            lifeline=lifeline,
            accepted=accepted,
            access_log=settings.access_log,
            drain_s=settings.drain_s,
        )
        return run_worker(plan)

    return work


@asynccontextmanager
async def _lifespan(starlette: Starlette) -> AsyncIterator[None]:
    start_log("gateway")
    async with running_gateway(read_settings(os.environ, {})) as gateway:
        starlette.state.gateway = gateway
        yield


class _Everything:
    """Answers every path: the gateway has no page of its own on the customers' port."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; refuse a WebSocket, which only the direct door could pass on."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
            return
        gateway: Gateway = scope["app"].state.gateway
        door = AsgiDoor(is_http1=scope["http_version"].startswith("1."))
        await door.serve(gateway, scope, receive, send)


app = Starlette(lifespan=_lifespan)
# Not a route: routes have no word for `*`.
app.router.default = _Everything()
"""`uvicorn gateway.app:app`: settings from the environment, as for `figueira serve`."""
