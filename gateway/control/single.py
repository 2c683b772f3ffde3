"""The gateway folded into one event loop: for ASGI servers, which bring their own processes.

The file is watched and validated as ever. There is no supervisor, no admin port and no database:
revisions are numbered from 1 in each process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from gateway.control.control import utc_now
from gateway.control.log import note, say_refused
from gateway.control.reload import Reloader, read_environment
from gateway.control.watch import changes
from gateway.control.worker import open_access_log
from gateway.errors import ConfigError
from gateway.proxy.gateway import Gateway
from gateway.proxy.spawn import spawn
from gateway.settings import Settings
from gateway.state.kept import Origin
from gateway.telemetry.events import Event


class _Numbers:
    """Numbers revisions and keeps none."""

    def __init__(self) -> None:
        self._last = 0

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """Return the next number."""
        del digest, text, at, origin
        self._last += 1
        return self._last


@asynccontextmanager
async def running_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway that follows its routes.yaml while the block runs.

    Raises:
        ConfigError: The file cannot be used.
        StartError: The access log cannot be opened.
    """
    reloader = Reloader(settings.config, _Numbers(), read_environment(), utc_now)
    current = (await reloader.look()).accepted
    if current is None:
        problems = reloader.last.problems if reloader.last else ()
        raise ConfigError(problems, str(settings.config))
    gateway = Gateway(
        current.snapshot,
        current.accepted.revision,
        open_access_log(settings.access_log),
        time.time,  # noqa: TID251 - this is where the clock is injected
    )
    stop = asyncio.Event()
    sweeping = spawn(gateway.sweep_forever(), "sweep")
    watching = spawn(_follow(reloader, gateway, stop), "watch")
    try:
        yield gateway
    finally:
        stop.set()
        sweeping.cancel()
        await watching.ended()
        gateway.close()


async def _follow(reloader: Reloader, gateway: Gateway, stop: asyncio.Event) -> None:
    async for _ in changes(reloader.path, stop):
        look = await reloader.look()
        say_refused(look.problems, reloader.path, serving=gateway.revision)
        if look.accepted is not None:
            revision = look.accepted.accepted.revision
            gateway.install(look.accepted.snapshot, revision)
            note(Event.REVISION_ACCEPTED, revision=revision)
