"""Keeps the egress listener as routes.yaml wants it: there or not, and where."""

from __future__ import annotations

import time

from gateway.control.egress import EgressApp
from gateway.control.egress_door import EgressDoor
from gateway.control.log import note, warn
from gateway.control.servers import Server, listen, server
from gateway.parallel_run.pinned import Book
from gateway.proxy.spawn import Running, spawn
from gateway.routing.snapshot import Egress, Snapshot
from gateway.telemetry.events import Event

_DRAIN_S = 30.0
"""Pictures are under way for a long time, and paid for."""
_END_S = 1.0
"""Where all of control ends."""


class EgressServer:
    """The listener of one control process, and what it remembers."""

    def __init__(self) -> None:
        # The engine of the trials tells this of exchanges; it outlives every reload.
        self.book = Book()
        self._egress: Egress | None = None
        self._app: EgressApp | None = None
        self._server: Server | None = None
        self._running: Running | None = None

    def follow(self, snapshot: Snapshot) -> None:
        """Listen as `snapshot` says; a call under way ends as it began."""
        if snapshot.egress == self._egress:
            return
        self._stop(_DRAIN_S)
        self._egress = None
        if snapshot.egress is not None:
            self._start(snapshot.egress)

    async def close(self) -> None:
        """Listen no more."""
        running = self._running
        self._stop(_END_S)
        if running is not None:
            await running.ended()

    def _start(self, egress: Egress) -> None:
        address = f"{egress.host}:{egress.port}"
        try:
            listener = listen(egress.host, egress.port)
        except OSError as error:
            warn(Event.EGRESS_FAILED, address=address, why=error.strerror or str(error))
            return
        self.book.most_passed_per_day = egress.unmatched_per_day
        self._egress = egress
        self._app = EgressApp(egress, self.book, time.time)  # noqa: TID251 - the clock goes in here
        self._server = server(self._app, http=EgressDoor, drain_s=_DRAIN_S)
        self._running = spawn(self._server.serve(sockets=[listener]), "egress")
        note(Event.EGRESS_OPEN, address=address, sides=",".join(d.side for d in egress.doors))

    def _stop(self, drain_s: float) -> None:
        if self._server is None or self._app is None:
            return
        self._server.config.timeout_graceful_shutdown = drain_s  # type: ignore[assignment]  # asyncio takes fractions
        for listening in getattr(self._server, "servers", ()):
            # At once: whoever listens next may want the same port.
            listening.close()
        self._server.stop()
        self._app.close()
        self._server = self._app = self._running = None
