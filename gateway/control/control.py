"""The control process: watches routes.yaml, hands out revisions, serves the admin port.

Customers never wait for it, and notice nothing when it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.config import codec, expired
from gateway.control.channel import Channel
from gateway.control.egress_server import EgressServer
from gateway.control.history import History
from gateway.control.ledger import Ledger
from gateway.control.ledger_plan import LedgerPlan
from gateway.control.lifeline import Lifeline
from gateway.control.log import note, say_refused, warn
from gateway.control.messages import (
    Accepted,
    CertificateSeen,
    Draining,
    Left,
    Linked,
    Message,
    Probed,
)
from gateway.control.probes import Prober
from gateway.control.reload import Current, Look, NotYet, Reloader, read_environment
from gateway.control.servers import server
from gateway.control.trials.engine import Trials
from gateway.control.trials.spool import Spool
from gateway.control.watch import changes
from gateway.control.watchdog import say_alive
from gateway.control.workers import Workers, WorkerState
from gateway.control.x509 import CertificateFacts
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.proxy.captured import OFFERED
from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Snapshot
from gateway.state.kept import Refusal
from gateway.telemetry.counters import Counters
from gateway.telemetry.events import Event
from gateway.whatif.safety import breach, postponed
from gateway.whatif.tokens import Tokens

_SETTLING_S = 10.0
"""Of a control that replaces another: some hundred requests, where there is traffic at all."""
_ADMIN_DRAIN_S = 1.0
"""Admin answers take milliseconds; nobody's scrape holds up a stop."""
_GROUP_PATIENCE_S = 1.0
"""For the supervisor to say that all is to end, where control itself is signalled."""
RELOAD_PATIENCE_S = 5.0
"""A worker takes a revision within milliseconds; one that does not in this time hangs."""
_FIRST_REPORTS_S = 0.3
"""Workers report within milliseconds; one that hangs must not keep the admin port shut."""


_KEEP_TRIALS_EVERY_S = 1.0
"""What ends within such a time before control dies is counted as lost."""


def utc_now() -> datetime:
    """Wall time, for people and records; durations are monotonic."""
    return datetime.now(UTC)  # noqa: TID251 - this is where the clock is injected


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a look at the file came to that somebody asked for."""

    revision: int
    """What serves now."""
    digest: str
    """SHA-256 of the text that serves."""
    file_digest: str
    """Of the file as it is; empty if it cannot be read."""
    problems: tuple[Problem, ...]
    """Why the file does not serve; empty if it does."""
    behind: tuple[int, ...]
    """Workers that have not taken the revision, though they had time."""


@dataclass(slots=True, kw_only=True)
class ControlPlan:
    """What control begins with."""

    config: Path
    database_url: str
    workers: int
    admin_listener: socket.socket
    lifeline: Lifeline
    token_key: bytes
    """What the tokens in access lines are made by."""
    resumed: Accepted | None
    """What the workers route by already, if this control replaces one; None at the start."""
    may_resume: bool = False
    """Whether the last accepted revision serves if routes.yaml cannot, at the first start."""
    left: Left | None
    """What an earlier control told the supervisor."""
    began_s: float
    """When the gateway was started, monotonic; control may have been replaced since."""
    restarts: int
    """How often it was."""
    certificate_problem: str | None
    """Why the newest certificate cannot be used, empty if it serves; None for plain HTTP."""
    certificate: CertificateFacts | None = None
    """Of the certificate that serves; None for plain HTTP, or if they cannot be read."""
    make_admin: Callable[[Control], Any]
    """Makes the ASGI application of the admin port."""


class Control:
    """One control's life."""

    def __init__(self, plan: ControlPlan) -> None:
        self._plan = plan
        self.history = History(plan.database_url)
        self._stop = asyncio.Event()
        self._began_s = time.monotonic()
        self._is_history_faulty = False
        left = plan.left or Left(Counters())
        self.egress = EgressServer()
        self.ledger = Ledger(
            LedgerPlan(
                database_url=plan.database_url,
                gateway=f"{socket.gethostname()}:{plan.config.absolute()}",
                started=str(plan.began_s),
                key=plan.token_key,
                wall_s=lambda: utc_now().timestamp(),
                draw=random.random,
            )
        )
        self.trials = Trials(
            lambda: utc_now().timestamp(),
            self.ledger,
            left.trials,
            pins=self.egress.book,
            # A folder that was named is not silently another, as it would be with a guess.
            spool=Spool(os.environ.get("TMPDIR") or None),
        )
        self.trials.go_on(left.taken)
        self.trials.handed_over_before(
            {run: ended.get(OFFERED, 0) for run, ended in left.counters.trials.items()}
        )
        for run, ended in left.counters.trials.items():
            self.ledger.told_before(run, sum(ended.values()))
        self._left_trials = left.trials
        self.workers = Workers(left.counters, self._keep_left, self.trials)
        self.began_s, self.restarts = plan.began_s, plan.restarts
        self.prober = Prober(utc_now, self._say_probed)
        self._tokens = Tokens(plan.token_key)
        self.reloader = Reloader(
            plan.config, self.history, read_environment(), utc_now, self._judge
        )
        self.certificate_problem = plan.certificate_problem
        self.certificate = plan.certificate
        self.started_at = utc_now()
        self.is_draining = False
        self._draining = asyncio.Event()
        if plan.resumed is not None:
            self.reloader.resume(plan.resumed)
            self.workers.publish(plan.resumed)

    async def run(self) -> None:
        """Control until told to stop.

        Raises:
            ConfigError: At the first start: routes.yaml cannot be used.
            StartError: At the first start: the database cannot be used.
        """
        loop = asyncio.get_running_loop()
        speaking = spawn(say_alive(self._plan.lifeline), "alive")
        loop.add_signal_handler(signal.SIGHUP, lambda: spawn(self._look(force=True), "reload"))
        await self._look(force=True)
        if self.reloader.current is None and self._plan.may_resume:
            await self._resume_last()
        if self.reloader.current is None:
            speaking.cancel()
            await self.history.close()
            raise self._unusable()
        self._follow(self.reloader.current)
        keeping = spawn(self._keep_trials_forever(), "keep-trials")
        self.ledger.start()
        # Until here, SIGTERM ends the process at once.
        loop.add_signal_handler(signal.SIGTERM, lambda: spawn(self._asked(), "asked"))
        self._plan.lifeline.listen(self._from_supervisor, self._stop.set)
        if self._plan.resumed is not None:
            # A scrape that finds the workers' counts missing would take them for reset.
            await self.workers.wait_for_reports(self._plan.workers, _FIRST_REPORTS_S)
        admin = server(self._plan.make_admin(self), drain_s=_ADMIN_DRAIN_S)
        serving = spawn(admin.serve(sockets=[self._plan.admin_listener]), "admin")
        await self._watch()
        admin.stop()
        await serving.ended()
        speaking.cancel()
        keeping.cancel()
        await self.trials.close()
        self.prober.close()
        await self.egress.close()
        self.workers.close()
        await self.ledger.close()
        await self.history.close()

    def _unusable(self) -> ConfigError:
        """Why there is nothing to serve by at the first start."""
        last = self.reloader.last
        problems = list(last.problems) if last else []
        if self._plan.may_resume:
            message = "the database has no accepted revision to begin with"
            problems.append(
                Problem(
                    line=None, column=None, path="--resume", message=message, hint="mend the file"
                )
            )
        return ConfigError(problems, str(self._plan.config))

    async def reload(self) -> Reloaded:
        """Look at the file now, and wait until every worker routes by what serves then."""
        await self._look()
        behind = await self.workers.wait_until_at(self._revision, RELOAD_PATIENCE_S)
        current, last = self.reloader.current, self.reloader.last
        assert current is not None  # noqa: S101 - control runs only while something serves
        return Reloaded(
            revision=current.accepted.revision,
            digest=current.snapshot.digest,
            file_digest=self.reloader.seen,
            problems=last.problems if last else (),
            behind=tuple(behind),
        )

    def _revision(self) -> int:
        return self.reloader.current.accepted.revision if self.reloader.current else 0

    async def _resume_last(self) -> None:
        """Begin with the last accepted revision, since routes.yaml cannot be used.

        Raises:
            StartError: The database cannot be used.
            ConfigError: Nor can the revision.
        """
        stored, last = await self.history.latest(), self.reloader.last
        if stored is None:
            return
        try:
            snapshot = self.reloader.compile(stored.text)
        except ConfigError as error:
            await self.history.close()
            raise ConfigError(error.problems, f"revision {stored.facts.number}") from None
        number, at = stored.facts.number, stored.facts.accepted_at
        accepted = Accepted(number, codec.encode(snapshot), at)
        self.reloader.resume(accepted)
        self._publish(Current(accepted, snapshot), Event.REVISION_RESUMED)
        problems = last.problems if last else ()
        say_refused(problems, self._plan.config, serving=number)
        spawn(self._keep_refusal(Look(problems=problems, digest=self.reloader.seen)), "refusal")

    async def _asked(self) -> None:
        """End when the workers have, if it is the whole gateway that ends.

        Service managers signal every process of a group, and whoever asks if we are ready is to be
        told that we are not, as long as workers serve. The supervisor signals when none is left.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GROUP_PATIENCE_S):
                await self._draining.wait()
            await self.workers.wait_until_gone()
        self._stop.set()

    async def _watch(self) -> None:
        async for _ in changes(self._plan.config, self._stop):
            await self._look()

    async def _judge(self, old: Snapshot, new: Snapshot) -> Problem | None:
        """What is too much about a change, by the traffic of the last hour.

        Raises:
            NotYet: This control replaces one that died, and has seen too little traffic so far. A
                file that was refused before may still be there.
        """
        age_s = time.monotonic() - self._began_s
        if self._plan.resumed is not None and age_s < _SETTLING_S:
            raise NotYet(postponed(_SETTLING_S))
        sample = self.workers.recent_lines()
        found = await asyncio.to_thread(breach, old, new, sample, self._tokens)
        return found.problem() if found is not None else None

    async def _look(self, *, force: bool = False) -> None:
        look = await self.reloader.look(force=force)
        if look.accepted is not None:
            self._publish(look.accepted)
        current = self.reloader.current
        if current is not None:
            say_refused(look.problems, self._plan.config, serving=current.accepted.revision)
            if look.is_unchanged:
                note(Event.REVISION_UNCHANGED, revision=current.accepted.revision)
            if look.problems:
                spawn(self._keep_refusal(look), "refusal")
            self._say_history(current.accepted.revision)

    async def _keep_refusal(self, look: Look) -> None:
        refusal = Refusal(
            refused_at=self.reloader.last.at if self.reloader.last else utc_now(),
            digest=look.digest,
            origin=look.origin,
            problem=look.problems[0].describe(self._plan.config.name),
            problems=len(look.problems),
        )
        # What was refused has changed nothing: it is said in the log, and not tried again here.
        with contextlib.suppress(GatewayError):
            await self.history.refuse(refusal)

    def _publish(self, current: Current, event: Event = Event.REVISION_ACCEPTED) -> None:
        # The supervisor first: whoever dies now, no worker goes back to an older revision.
        self._plan.lifeline.post(current.accepted)
        self.workers.publish(current.accepted)
        self._follow(current)
        digest = current.snapshot.digest[:12]
        note(event, revision=current.accepted.revision, digest=digest)
        for problem in expired(self.reloader.deadlines, utc_now().date()):
            warn(Event.RULE_EXPIRED, why=problem.describe(self._plan.config.name))

    def _follow(self, current: Current) -> None:
        """Have everything that control does done by this revision."""
        snapshot = current.snapshot
        self.prober.follow(snapshot)
        self.egress.follow(snapshot)
        self.ledger.follow({run.name: run for run in snapshot.parallel_runs})
        self.trials.follow(snapshot, current.accepted.revision)

    def _say_history(self, revision: int) -> None:
        fault = self.reloader.history_fault
        if bool(fault) is self._is_history_faulty:
            return
        self._is_history_faulty = bool(fault)
        if fault:
            warn(Event.HISTORY_FAILED, revision=revision, why=fault)
        else:
            note(Event.HISTORY_RESTORED, revision=revision)

    def _say_probed(self) -> None:
        self.workers.tell_probed(Probed(self.prober.findings()))

    def _keep_left(self, left: Counters) -> None:
        self._plan.lifeline.post(
            Left(left, self.trials.accounts.ended(), self.trials.taken_today())
        )

    async def _keep_trials_forever(self) -> None:
        """Tell the supervisor what has ended: a control that dies leaves no more than that."""
        while True:
            await asyncio.sleep(_KEEP_TRIALS_EVERY_S)
            ended = self.trials.accounts.ended()
            if ended != self._left_trials:
                self._left_trials = ended
                self._keep_left(self.workers.gone)

    def _from_supervisor(self, message: Message, descriptor: int | None) -> None:
        if isinstance(message, Draining):
            self.is_draining = True
            self._draining.set()
        elif isinstance(message, CertificateSeen):
            self.certificate_problem, self.certificate = message.problem, message.facts
        elif isinstance(message, Linked):
            if descriptor is None:
                # No room for the link: a control that cannot reach a worker is better replaced.
                self._stop.set()
                return
            worker = self.workers.link(message)
            spawn(self._link(worker, socket.socket(fileno=descriptor)), "link-worker")

    async def _link(self, worker: WorkerState, end: socket.socket) -> None:
        channel = await Channel.open(
            end,
            lambda message: self.workers.heard(worker, message),
            lambda: self.workers.lose(worker),
        )
        self.workers.reached(worker, channel)


async def run_control(plan: ControlPlan) -> None:
    """Be control until stopped."""
    await Control(plan).run()
