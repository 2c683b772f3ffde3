"""The control process: watches routes.yaml, hands out revisions, serves the admin port.

Customers never wait for it, and notice nothing when it dies.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.control.channel import Channel
from gateway.control.lifeline import Lifeline
from gateway.control.log import note, warn
from gateway.control.messages import Accepted, Draining, Linked, Message
from gateway.control.reload import Current, Reloader, read_environment
from gateway.control.servers import server
from gateway.control.watch import changes
from gateway.control.workers import Workers, WorkerState
from gateway.errors import ConfigError
from gateway.proxy.spawn import spawn
from gateway.state.database import Database, open_database
from gateway.state.revisions import Revisions
from gateway.telemetry.events import Event

_ADMIN_DRAIN_S = 1.0
"""Admin answers take milliseconds; nobody's scrape holds up a stop."""


def utc_now() -> datetime:
    """Wall time, for people and records; durations are monotonic."""
    return datetime.now(UTC)  # noqa: TID251 - this is where the clock is injected


@dataclass(slots=True, kw_only=True)
class ControlPlan:
    """What control begins with."""

    config: Path
    database_url: str
    admin_listener: socket.socket
    lifeline: Lifeline
    resumed: Accepted | None
    """What the workers route by already, if this control replaces one; None at the start."""
    make_admin: Callable[[Control], Any]
    """Makes the ASGI application of the admin port."""


class _History:
    """Revisions in a database that may be out of reach when control starts anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_ready = False

    async def accept(self, digest: str, text: bytes, at: datetime) -> int:
        """Keep a revision, bringing the database up to date first."""
        if not self._is_ready:
            await self._database.upgrade()
            self._is_ready = True
        return await Revisions(self._database).accept(digest, text, at)


class Control:
    """One control's life."""

    def __init__(self, plan: ControlPlan) -> None:
        self._plan = plan
        self._database = open_database(plan.database_url)
        self._stop = asyncio.Event()
        self.reloader = Reloader(plan.config, _History(self._database), read_environment(), utc_now)
        self.workers = Workers()
        self.started_at = utc_now()
        self.is_draining = False
        if plan.resumed is not None:
            self.reloader.resume(plan.resumed)

    async def run(self) -> None:
        """Control until told to stop.

        Raises:
            ConfigError: At the first start: routes.yaml cannot be used.
            StartError: At the first start: the database cannot be used.
        """
        await self._look(force=True)
        if self.reloader.current is None:
            last = self.reloader.last
            raise ConfigError(last.problems if last else ())
        self._plan.lifeline.listen(self._from_supervisor, self._stop.set)
        self._listen_to_signals()
        admin = server(self._plan.make_admin(self), drain_s=_ADMIN_DRAIN_S)
        serving = spawn(admin.serve(sockets=[self._plan.admin_listener]), "admin")
        await self._watch()
        admin.should_exit = True
        await serving.ended()
        await self._database.close()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: spawn(self._look(force=True), "reload"))
        # Ctrl-C reaches the whole process group; the supervisor alone acts on it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def _watch(self) -> None:
        async for _ in changes(self._plan.config, self._stop):
            await self._look()

    async def _look(self, *, force: bool = False) -> None:
        failures = self.reloader.failures
        accepted = await self.reloader.look(force=force)
        if accepted is not None:
            self._publish(accepted)
        elif self.reloader.failures > failures:
            self._say_refused()

    def _publish(self, current: Current) -> None:
        self._plan.lifeline.send(current.accepted)
        self.workers.publish(current.accepted)
        revision = current.accepted.revision
        note(Event.REVISION_ACCEPTED, revision=revision, digest=current.snapshot.digest[:12])
        if self.reloader.history_fault:
            warn(Event.HISTORY_FAILED, revision=revision, why=self.reloader.history_fault)

    def _say_refused(self) -> None:
        last, current = self.reloader.last, self.reloader.current
        serving = current.accepted.revision if current else 0
        for problem in last.problems if last else ():
            said = problem.describe(str(self._plan.config))
            warn(Event.REVISION_REFUSED, serving=serving, problem=said)

    def _from_supervisor(self, message: Message, descriptor: int | None) -> None:
        if isinstance(message, Draining):
            self.is_draining = True
        elif isinstance(message, Linked) and descriptor is not None:
            worker = self.workers.link(message)
            spawn(self._link(worker, socket.socket(fileno=descriptor)), "link-worker")

    async def _link(self, worker: WorkerState, end: socket.socket) -> None:
        worker.channel = await Channel.open(
            end,
            lambda message: self.workers.heard(worker, message),
            lambda: self.workers.lose(worker),
        )
        if self.reloader.current is not None:
            worker.channel.send(self.reloader.current.accepted)


async def run_control(plan: ControlPlan) -> None:
    """Be control until stopped."""
    await Control(plan).run()
