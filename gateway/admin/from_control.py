"""What the admin port shows, taken from a running control."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.metadata import version

from gateway.admin.view import Check, Config, Revision, Route, Status, Worker
from gateway.admin.view import Control as ControlFacts
from gateway.control.control import Control
from gateway.routing import snapshot as compiled
from gateway.telemetry.counters import Counters


class ControlView:
    """An `AdminView` of one control."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._began_s = time.monotonic()

    def status(self) -> Status:
        """Everything now."""
        control, current = self._control, self._control.reloader.current
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
                )
                for worker in control.workers.all()
            ),
            control=ControlFacts(pid=os.getpid()),
            routes=_routes(current.snapshot) if current else (),
            draining=control.is_draining,
            uptime_s=round(time.monotonic() - self._began_s, 3),
        )

    def checks(self) -> Sequence[Check]:
        """The file, whether revisions can be kept, and the newest certificate if there is TLS."""
        config, fault = self._config(), self._control.reloader.history_fault
        problems = len(config.problems)
        detail = "" if config.ok else f"{config.path} has {problems} problem(s); see /api/status"
        checks = [
            Check(name="config", ok=config.ok, detail=detail),
            Check(name="history", ok=not fault, detail=fault),
        ]
        if (problem := self._control.certificate_problem) is not None:
            checks.append(Check(name="certificate", ok=not problem, detail=problem))
        return checks

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


def _routes(snapshot: compiled.Snapshot) -> tuple[Route, ...]:
    return tuple(Route(name=route.name, backends=_percents(route)) for route in snapshot.routes)


def _percents(route: compiled.Route) -> dict[str, float]:
    if route.backend is not None:
        return {route.backend: 100.0}
    return {share.backend: share.percent for share in route.shares}
