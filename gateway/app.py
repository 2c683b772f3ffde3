"""Composition root: the only module that knows every package.

`serve` runs the whole gateway as processes; `app` is the same gateway as an ASGI application.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from gateway.admin.app import create_app
from gateway.admin.from_control import ControlView
from gateway.admin.operations_of_control import ControlOperations
from gateway.admin.runs_of_control import StoredRuns
from gateway.control.balance import Balance
from gateway.control.certificate import Certificate
from gateway.control.children import Work, show_title
from gateway.control.control import ControlPlan, run_control, utc_now
from gateway.control.descriptors import connections_within, is_short, lift_limit
from gateway.control.file import read_config
from gateway.control.lifeline import Lifeline
from gateway.control.loading import load_config
from gateway.control.log import note, say_certificate, start_log, warn
from gateway.control.messages import Accepted, Left
from gateway.control.reload import read_environment
from gateway.control.servers import listen
from gateway.control.single import running_gateway
from gateway.control.supervisor import Supervisor, SupervisorPlan
from gateway.control.token_key import token_key
from gateway.control.worker import WorkerPlan, check_access_log, run_worker
from gateway.errors import ConfigError, StartError
from gateway.proxy.asgi import AsgiDoor, Receive, Scope, Send
from gateway.proxy.gateway import Gateway
from gateway.settings import Settings, read_settings, unknown_variables
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
    if not settings.resume:
        load_config(settings.config, read_environment())
    _warn_of_unknown_settings(settings.config)
    check_access_log(settings.access_log)
    certificate = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        certificate = Certificate(settings.tls_cert, settings.tls_key)
    listener = _bind("customers'", settings.host, settings.port)
    try:
        admin_listener = _bind("admin", settings.admin_host, settings.admin_port)
    except StartError:
        listener.close()
        raise
    parts = _Parts(
        settings=settings,
        listener=listener,
        admin_listener=admin_listener,
        certificate=certificate,
        balance=Balance(settings.workers),
        began_s=time.monotonic(),
        open_files=lift_limit(),
        token_key=token_key(settings.token_key, settings.database_url),
    )
    plan = SupervisorPlan(
        listener=listener,
        admin_listener=admin_listener,
        workers=settings.workers,
        drain_s=settings.drain_s,
        drain_delay_s=settings.drain_delay_s,
        control=parts.control_work,
        worker=parts.worker_work,
        started=parts.say_started,
        worker_gone=parts.balance.clear,
        certificate=certificate,
        wall_clock=utc_now,
    )
    show_title(f"supervisor {settings.config.resolve()}")
    return Supervisor(plan).run()


def _warn_of_unknown_settings(config: Path) -> None:
    try:
        text = read_config(config).decode("utf-8", "replace")
    except ConfigError:
        text = ""  # control says so, and may resume without it
    for name, meant in unknown_variables(os.environ, text).items():
        warn(Event.SETTING_UNKNOWN, name=name, **({"did_you_mean": meant} if meant else {}))


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The URL that a listening socket answers at."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the processes are made of; all of it is there before the first of them."""

    settings: Settings
    listener: socket.socket
    admin_listener: socket.socket
    certificate: Certificate | None
    balance: Balance
    began_s: float
    """When the gateway was started, monotonic."""
    open_files: int | None
    """That a process may have; None for no limit."""
    token_key: bytes
    """What all workers make tokens by."""

    @property
    def max_connections(self) -> int:
        """Customers', of one worker."""
        return connections_within(self.settings.max_client_connections, self.open_files)

    def say_started(self, revision: int) -> None:
        """Log that customers can be served."""
        wanted, allowed = self.settings.max_client_connections, self.max_connections
        if allowed < wanted:
            default = Settings().max_client_connections
            (warn if is_short(wanted, allowed, default=default) else note)(
                Event.CONNECTIONS_LIMITED,
                per_worker=allowed,
                wanted=wanted,
                open_files=self.open_files,
            )
        if self.certificate is not None:
            say_certificate(Event.CERTIFICATE_LOADED, self.certificate, utc_now())
        note(
            Event.STARTED,
            customers=url_of(self.listener, "https" if self.certificate else "http"),
            admin=url_of(self.admin_listener),
            revision=revision,
            workers=self.settings.workers,
        )

    def control_work(self, resumed: Accepted | None, left: Left | None, restarts: int) -> Work:
        """What control does, given what an earlier one told, and how often it was replaced."""

        def work(lifeline: Lifeline) -> Coroutine[Any, Any, None]:
            self.listener.close()
            plan = ControlPlan(
                config=self.settings.config,
                database_url=self.settings.database_url,
                workers=self.settings.workers,
                admin_listener=self.admin_listener,
                lifeline=lifeline,
                token_key=self.token_key,
                resumed=resumed,
                left=left,
                began_s=self.began_s,
                restarts=restarts,
                certificate_problem=self.certificate.problem if self.certificate else None,
                certificate=self.certificate.facts if self.certificate else None,
                make_admin=lambda control: create_app(
                    ControlView(control),
                    ControlOperations(control),
                    runs=StoredRuns(
                        self.settings.database_url,
                        lambda: utc_now().timestamp(),
                        control.ledger.state,
                    ),
                ),
                may_resume=self.settings.resume,
            )
            return run_control(plan)

        return work

    def worker_work(self, index: int, accepted: Accepted) -> Work:
        """What a worker does, given its number and what to route by."""

        def work(lifeline: Lifeline) -> Coroutine[Any, Any, None]:
            self.admin_listener.close()
            plan = WorkerPlan(
                listener=self.listener,
                lifeline=lifeline,
                accepted=accepted,
                access_log=self.settings.access_log,
                token_key=self.token_key,
                drain_s=self.settings.drain_s,
                drain_delay_s=self.settings.drain_delay_s,
                place=self.balance.place(index),
                max_connections=self.max_connections,
                certificate=self.certificate,
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


class _OneLine:
    """Tells a server why the gateway cannot start, in the words of `figueira serve`.

    Starlette would tell it a traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and say what keeps it from starting."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_but_no_traceback(message: MutableMapping[str, Any]) -> None:
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        try:
            await self._app(scope, receive, send_but_no_traceback)
        except (ConfigError, StartError) as error:
            await send({"type": "lifespan.startup.failed", "message": f"figueira: error: {error}"})


app = Starlette(lifespan=_lifespan, middleware=[Middleware(_OneLine)])
# Not a route: routes have no word for `*`.
app.router.default = _Everything()
"""`uvicorn gateway.app:app`: settings from the environment, as for `figueira serve`."""
