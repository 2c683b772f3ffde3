"""A worker process: serves customers, takes revisions from control, reports what it counts."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.config import codec
from gateway.control.accepting import Acceptor
from gateway.control.balance import Place
from gateway.control.certificate import Certificate
from gateway.control.channel import Channel
from gateway.control.handing import MOST_BEFORE_REPORTS_BYTES, Handing
from gateway.control.lifeline import Lifeline
from gateway.control.log import warn
from gateway.control.messages import (
    Accepted,
    CertificateSeen,
    ControlLinked,
    Ended,
    LogMoved,
    Message,
    Probed,
    Report,
)
from gateway.control.servers import Server, server
from gateway.control.watchdog import say_alive
from gateway.errors import StartError
from gateway.proxy.access_log import AccessLog
from gateway.proxy.captured import OFFERED
from gateway.proxy.direct import DirectConnection
from gateway.proxy.gateway import Gateway
from gateway.proxy.spawn import spawn
from gateway.telemetry.counters import pack
from gateway.telemetry.events import Event
from gateway.whatif.tokens import Tokens

_NO_FILES = frozenset({"-", "off"})
_LAST_WORDS_S = 1.0
"""Control takes some MiB within milliseconds; one that hangs must not hold up a stop."""
REPORT_EVERY_S = 0.25
"""How old the numbers on the admin port may be."""


@dataclass(slots=True, kw_only=True)
class WorkerPlan:
    """What a worker begins with."""

    listener: socket.socket
    lifeline: Lifeline
    accepted: Accepted
    access_log: str
    token_key: bytes
    drain_s: float
    drain_delay_s: float
    """Between SIGTERM and the end of taking customers' connections."""
    place: Place
    max_connections: int
    """Customers', at a time."""
    certificate: Certificate | None


def open_access_log(where: str) -> AccessLog:
    """The access log at ``-`` (standard output), ``off``, or a path to append to.

    Raises:
        StartError: The file cannot be opened.
    """
    if where == "off":
        return AccessLog(None)
    return AccessLog(sys.stdout.fileno() if where == "-" else _open_file(where))


def check_access_log(where: str) -> None:
    """See that `open_access_log` will succeed, before any process is started.

    Raises:
        StartError: The file cannot be opened.
    """
    if where not in _NO_FILES:
        os.close(_open_file(where))


def _open_file(where: str) -> int:
    try:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        return os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o640)
    except OSError as error:
        reason = error.strerror or error
        raise StartError(f"access log {where}: {reason}; give a file that can be written") from None


class Worker:
    """One worker's life."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._accepted = plan.accepted
        self._channel: Channel | None = None
        self._access_log = open_access_log(plan.access_log)
        self._gateway = Gateway(
            codec.decode(plan.accepted.snapshot),
            plan.accepted.revision,
            self._access_log,
            time.time,  # noqa: TID251 - this is where the clock is injected
            Tokens(plan.token_key),
        )
        certificate = plan.certificate
        self._acceptor = Acceptor(
            plan.listener,
            plan.place,
            limit=plan.max_connections,
            tls=(lambda: certificate.context) if certificate else None,
        )
        self._server: Server = server(
            self._lifespan,
            http=DirectConnection,
            lifespan="on",
            drain_s=plan.drain_s,
            acceptor=self._acceptor,
        )

    async def run(self) -> None:
        """Serve until told to stop, then let requests in flight end."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop_soon)
        # What the start has made stays for good: no collection need look at it again.
        gc.freeze()
        self._plan.lifeline.listen(self._from_supervisor, self._stop)
        tasks = [
            spawn(self._gateway.sweep_forever(), "sweep"),
            spawn(self._report_forever(), "report"),
            spawn(say_alive(self._plan.lifeline), "alive"),
        ]
        await self._server.serve(sockets=[])
        for task in tasks:
            task.cancel()
        cut = self._gateway.close()
        self._report()
        if self._channel is not None:
            # The last trials, and behind them the last counts.
            await self._channel.drained(_LAST_WORDS_S)
        self._plan.lifeline.post(Ended(cut))

    def _stop_soon(self) -> None:
        """Begin to drain when whoever sends customers here has had time to see the end coming."""
        asyncio.get_running_loop().call_later(self._plan.drain_delay_s, self._stop)

    def _stop(self) -> None:
        """Begin to drain. Asked again, go on: service managers signal every process of a group.

        A supervisor that is out of patience kills.
        """
        self._gateway.is_draining = True
        self._server.stop()

    def _from_supervisor(self, message: Message, descriptor: int | None) -> None:
        if isinstance(message, CertificateSeen) and not message.problem:
            self._renew_certificate()
        if isinstance(message, LogMoved):
            self._reopen_log()
        if not isinstance(message, ControlLinked):
            return
        if descriptor is None:
            # No room for the link: a worker that control cannot reach is better replaced.
            self._stop()
            return
        spawn(self._link(socket.socket(fileno=descriptor)), "link-control")

    def _renew_certificate(self) -> None:
        certificate = self._plan.certificate
        assert certificate is not None  # noqa: S101 - it is said only where there is one
        certificate.renew()
        if certificate.problem:
            # Changed again since the supervisor looked; it is told of the next time as well.
            warn(Event.CERTIFICATE_REFUSED, problem=certificate.problem)

    def _reopen_log(self) -> None:
        where = self._plan.access_log
        if where in _NO_FILES:
            return
        try:
            self._access_log.reopen(_open_file(where))
        except StartError as error:
            warn(Event.ACCESS_LOG_FAILED, why=error)

    async def _link(self, end: socket.socket) -> None:
        # The first report tells of what was handed over before; nothing may come before it.
        captures = self._gateway.captures
        captures.hand_over = captures.way = None
        if self._channel is not None:
            self._channel.close()
        self._channel = await Channel.open(end, self._from_control)
        # Another control knows of no customer yet.
        self._gateway.recording.forget()
        self._report()
        captures.way = handing = Handing(self._channel)
        captures.hand_over = handing.offer

    def _from_control(self, message: Message) -> None:
        if isinstance(message, Probed):
            self._gateway.note_probes(message.ill)
            return
        if not isinstance(message, Accepted) or message == self._accepted:
            return
        try:
            snapshot = codec.decode(message.snapshot)
        except msgspec.MsgspecError as error:
            # Of another version, perhaps; customers are served by the one before.
            warn(Event.SNAPSHOT_UNREADABLE, revision=message.revision, why=error)
            return
        self._accepted = message
        self._gateway.install(snapshot, message.revision)
        self._report()

    def _report(self) -> None:
        if self._channel is None:
            return
        gateway, recording = self._gateway, self._gateway.recording
        gateway.captures.flush()
        counters = gateway.counters()
        counters.arrivals = self._acceptor.arrivals()
        left_out = gateway.captures.take_left_out()
        report = Report(
            gateway.revision,
            # With thousands of routes, most of it would be zeros.
            pack(counters.without_idle()),
            recording.sightings.take(),
            recording.sampling.take(),
            left_out,
            {run: ended[OFFERED] for run, ended in counters.trials.items() if OFFERED in ended},
        )
        if not self._channel.send(report, MOST_BEFORE_REPORTS_BYTES):
            recording.forget()
            gateway.captures.put_back(left_out)

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self._report()

    async def _lifespan(
        self,
        scope: MutableMapping[str, Any],
        receive: Any,
        send: Any,
    ) -> None:
        """Hand the gateway to each connection, by uvicorn's lifespan state."""
        await receive()
        scope["state"]["gateway"] = self._gateway
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def run_worker(plan: WorkerPlan) -> None:
    """Be a worker until stopped."""
    await Worker(plan).run()
