"""What the admin port shows, taken from a running control."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from gateway.admin.backends import backends_of, checks_of
from gateway.admin.view import (
    Address,
    Backend,
    Certificate,
    Check,
    Config,
    ParallelRun,
    Revision,
    Route,
    Status,
    TrialBodies,
    Worker,
)
from gateway.admin.view import Control as ControlFacts
from gateway.config.wording import plural
from gateway.control.control import Control, utc_now
from gateway.control.probes import Probe
from gateway.parallel_run.classes import Sheet
from gateway.routing import snapshot as compiled
from gateway.telemetry.counters import ELIGIBLE, PENDING, Counters
from gateway.telemetry.upstreams import AddressCounts


class ControlView:
    """An `AdminView` of one control."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._began_s = time.monotonic()

    def status(self) -> Status:
        """Everything now."""
        control, current = self._control, self._control.reloader.current
        now_s = time.monotonic()
        return Status(
            version=version("figueira"),
            revision=None
            if current is None
            else Revision(
                number=current.accepted.revision,
                digest=current.snapshot.digest,
                accepted_at=current.accepted.accepted_at,
            ),
            config=self._config(),
            workers=tuple(
                Worker(
                    index=worker.index,
                    pid=worker.pid if worker.is_alive else None,
                    alive=worker.is_alive,
                    revision=worker.revision,
                    restarts=worker.restarts,
                    connections=worker.counters.client_connections,
                    connections_limit=worker.counters.arrivals.limit,
                )
                for worker in control.workers.all()
            ),
            control=ControlFacts(
                pid=os.getpid(),
                restarts=control.restarts,
                uptime_s=round(now_s - self._began_s, 3),
            ),
            routes=_routes(current.snapshot) if current else (),
            backends=self._backends(current.snapshot) if current else (),
            draining=control.is_draining,
            uptime_s=round(now_s - control.began_s, 3),
            certificate=self._certificate(),
            parallel_runs=tuple(
                ParallelRun(
                    name=name,
                    eligible=sheet.eligible,
                    pending=sheet.pending,
                    classes={one.value: count for one, count in sheet},
                )
                for name, sheet in self._sheets().items()
            ),
            trial_bodies=self._trial_bodies(),
        )

    def _trial_bodies(self) -> TrialBodies | None:
        trials = self._control.trials
        if not self._sheets():
            return None
        return TrialBodies(
            spooled_bytes=trials.spool.held_bytes,
            spool_limit_bytes=trials.spool.most_bytes,
            memory_bytes=trials.room.held_bytes,
            memory_limit_bytes=trials.room.most_bytes,
            refused={why.value: count for why, count in trials.spool.refused.items()},
        )

    def _sheets(self) -> dict[str, Sheet]:
        control = self._control
        return control.trials.sheets(control.workers.counters().trials)

    def _certificate(self) -> Certificate | None:
        facts = self._control.certificate
        if facts is None:
            return None
        return Certificate(
            names=facts.names,
            not_after=facts.not_after,
            sha256=facts.sha256,
            problem=self._control.certificate_problem or "",
        )

    def checks(self) -> Sequence[Check]:
        """The file, whether revisions can be kept, the newest certificate, and each backend."""
        config, fault = self._config(), self._control.reloader.history_fault
        problems = plural(len(config.problems), "problem")
        detail = "" if config.ok else f"{config.path} has {problems}; figueira reload tells which"
        checks = [
            Check(name="config", ok=config.ok, detail=detail),
            Check(name="history", ok=not fault, detail=fault),
            self._room(),
        ]
        if (problem := self._control.certificate_problem) is not None:
            detail = problem or self._due()
            checks.append(Check(name="certificate", ok=not detail, detail=detail))
        if (current := self._control.reloader.current) is not None:
            checks += checks_of(current.snapshot, self._backends(current.snapshot))
        return checks

    def _due(self) -> str:
        facts = self._control.certificate
        if facts is None or not facts.is_due(utc_now()):
            return ""
        ends = f"{facts.not_after:%Y-%m-%d %H:%M UTC}"
        return f"the certificate ends {ends}; renew it and send SIGHUP to figueira serve"

    def _room(self) -> Check:
        workers = [worker for worker in self._control.workers.all() if worker.is_alive]
        full = sum(worker.counters.arrivals.full for worker in workers)
        detail = (
            f"all {len(workers)} workers have the connections they may have; new customers wait; "
            "see figueira_client_connections_limit"
        )
        return Check(name="connections", ok=not full or full < len(workers), detail=detail)

    def _backends(self, snapshot: compiled.Snapshot) -> tuple[Backend, ...]:
        counters = self.counters()
        probes = {(p.backend.name, str(p.address)): p for p in self._control.prober.probes()}
        addresses = {
            backend.name: [
                _address(
                    str(address),
                    probes.get((backend.name, str(address))),
                    counters.upstreams.get(backend.name, {}).get(str(address), AddressCounts()),
                )
                for address in backend.addresses
            ]
            for backend in snapshot.backends
        }
        return backends_of(snapshot, counters, addresses)

    def snapshot(self) -> compiled.Snapshot | None:
        """What serves, as far as decisions go: no backend, and nothing that is secret."""
        current = self._control.reloader.current
        if current is None:
            return None
        serves = current.snapshot
        return compiled.Snapshot(
            digest=serves.digest,
            trust=compiled.Trust(proxies=serves.trust.proxies, testers=serves.trust.testers),
            backends=(),
            routes=serves.routes,
            sensitive=serves.sensitive,
            safety=serves.safety,
        )

    def counters(self) -> Counters:
        """What all workers have counted; zeros for what nobody has asked for yet."""
        counters, current = self._control.workers.counters(), self._control.reloader.current
        counters.trials = {name: _told(sheet) for name, sheet in self._sheets().items()}
        if current is None:
            return counters
        return counters.with_idle(
            (route.name, backend) for route in current.snapshot.routes for backend in route.backends
        )

    def _config(self) -> Config:
        reloader = self._control.reloader
        last = reloader.last
        return Config(
            path=str(reloader.path),
            ok=last is None or not last.problems,
            problems=last.problems if last else (),
            last_try_at=last.at if last else None,
            failures=reloader.failures,
        )


def _told(sheet: Sheet) -> dict[str, int]:
    """Every class, and the two that are none."""
    classes = {one.value: count for one, count in sheet}
    return classes | {ELIGIBLE: sheet.eligible, PENDING: sheet.pending}


def _address(address: str, probe: Probe | None, counts: AddressCounts) -> Address:
    known = Address(
        address=address,
        ejected_by=counts.ejected,
        failures=counts.failures,
        idle=counts.idle,
        in_use=counts.in_use,
    )
    if probe is None:
        return known
    return msgspec.structs.replace(
        known,
        probe="" if probe.is_well is None else "well" if probe.is_well else "ill",
        probe_detail=probe.detail,
        probe_since=probe.since,
    )


def _routes(snapshot: compiled.Snapshot) -> tuple[Route, ...]:
    return tuple(Route(name=route.name, backends=_percents(route)) for route in snapshot.routes)


def _percents(route: compiled.Route) -> dict[str, float]:
    if route.backend is not None:
        return {route.backend: 100.0}
    return {share.backend: share.percent for share in route.shares}
