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
from gateway.control.log import note, say_refused, warn
from gateway.control.probes import Prober
from gateway.control.reload import Reloader, read_environment
from gateway.control.token_key import find_token_key
from gateway.control.watch import changes
from gateway.control.worker import open_access_log
from gateway.errors import ConfigError, Problem
from gateway.proxy.gateway import Gateway
from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Snapshot
from gateway.settings import Settings
from gateway.state.kept import Origin
from gateway.telemetry.events import Event
from gateway.whatif.recent import Recent
from gateway.whatif.recording import Recording
from gateway.whatif.safety import breach
from gateway.whatif.tokens import Tokens


class _Numbers:
    """Numbers revisions and keeps none."""

    def __init__(self) -> None:
        self._last = 0

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """Return the next number."""
        del digest, text, at, origin
        self._last += 1
        return self._last


class _Record:
    """What ``safety`` judges by: this process's own traffic."""

    def __init__(self) -> None:
        self.recording: Recording | None = None
        self._recent = Recent()

    def take(self) -> None:
        """Keep what was recorded since; nobody counts customers here."""
        if self.recording is not None:
            self.recording.sightings.take()
            self._recent.add(time.monotonic(), self.recording.sampling.take())

    async def judge(self, old: Snapshot, new: Snapshot) -> Problem | None:
        """What is too much about a change."""
        self.take()
        if self.recording is None:
            return None
        sample, tokens = self._recent.lines(time.monotonic()), self.recording.tokens
        found = await asyncio.to_thread(breach, old, new, sample, tokens)
        return found.problem() if found is not None else None


@asynccontextmanager
async def running_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway that follows its routes.yaml while the block runs.

    Raises:
        ConfigError: The file cannot be used.
        StartError: The access log cannot be opened.
    """
    key = find_token_key(settings.token_key, settings.database_url)
    record = _Record()
    reloader = Reloader(settings.config, _Numbers(), read_environment(), utc_now, record.judge)
    current = (await reloader.look()).accepted
    if current is None:
        problems = reloader.last.problems if reloader.last else ()
        raise ConfigError(problems, str(settings.config))
    gateway = Gateway(
        current.snapshot,
        current.accepted.revision,
        open_access_log(settings.access_log),
        time.time,  # noqa: TID251 - this is where the clock is injected
        Tokens(key) if key else None,
        tries=False,
    )
    _say_not_run(current.snapshot)
    record.recording = gateway.recording
    prober = Prober(utc_now, lambda: gateway.note_probes(prober.findings()))
    prober.follow(current.snapshot)
    stop = asyncio.Event()
    sweeping = spawn(gateway.sweep_forever(), "sweep")
    watching = spawn(_follow(reloader, gateway, record, prober, stop), "watch")
    try:
        yield gateway
    finally:
        stop.set()
        prober.close()
        sweeping.cancel()
        await watching.ended()
        gateway.close()


async def _follow(
    reloader: Reloader, gateway: Gateway, record: _Record, prober: Prober, stop: asyncio.Event
) -> None:
    async for _ in changes(reloader.path, stop):
        record.take()
        look = await reloader.look()
        say_refused(look.problems, reloader.path, serving=gateway.revision)
        if look.is_unchanged:
            note(Event.REVISION_UNCHANGED, revision=gateway.revision)
        if look.accepted is not None:
            revision = look.accepted.accepted.revision
            gateway.install(look.accepted.snapshot, revision)
            prober.follow(look.accepted.snapshot)
            _say_not_run(look.accepted.snapshot)
            note(Event.REVISION_ACCEPTED, revision=revision)


def _say_not_run(snapshot: Snapshot) -> None:
    runs = [run.name for run in snapshot.parallel_runs]
    if runs:
        warn(Event.RUNS_NOT_RUN, runs=",".join(runs), hint="figueira serve runs them")
