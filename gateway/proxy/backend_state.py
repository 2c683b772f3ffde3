"""What one worker thinks of one backend, and how it tells."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.json_path import JsonPath
from gateway.resilience.breaker import Breaker, BreakerState
from gateway.resilience.service import Service, Why, judge
from gateway.resilience.soft_errors import SoftError, SoftErrors
from gateway.telemetry.events import Event, write_event

if TYPE_CHECKING:
    from gateway.proxy.lanes import Lane, WatchedLane
    from gateway.proxy.pool import Pool
    from gateway.routing.snapshot import Backend

_EVENTS = {
    Service.IN: Event.BACKEND_IN_SERVICE,
    Service.TRIAL: Event.BACKEND_ON_TRIAL,
    Service.OUT: Event.BACKEND_OUT_OF_SERVICE,
}
_log = logging.getLogger("figueira")


class BackendState:
    """One backend; it goes on from revision to revision, as long as the backend is the same."""

    __slots__ = (
        "_breaker",
        "_has_stand_in",
        "_lanes",
        "is_trial_running",
        "opened",
        "pool",
        "service",
        "soft_errors",
        "why",
    )

    def __init__(self, pool: Pool) -> None:
        """Think well of it."""
        self.pool = pool
        self.soft_errors = compile_soft_errors(pool.backend)
        self._breaker = _breaker(pool.backend)
        self._lanes: list[Lane | WatchedLane] = []
        self._has_stand_in = False
        self.is_trial_running = False
        """Whether a request is under way that is to show if the backend is well again."""
        self.service = Service.IN
        self.why = Why.NOTHING
        self.opened = 0
        """How often its breaker has opened."""
        pool.changed = self.look

    @property
    def has_breaker(self) -> bool:
        """Whether outcomes are to be noted."""
        return self._breaker is not None

    @property
    def text(self) -> str:
        """How far it is in service, and why: ``in``, ``trial:breaker``, ``out:probes``."""
        why = self.why.value
        return f"{self.service.value}:{why}" if why else self.service.value

    def breaker(self) -> BreakerState:
        """What its breaker says; closed if it has none."""
        if self._breaker is None:
            return BreakerState.CLOSED
        return self._breaker.state(time.monotonic())

    def serve(self, lanes: Iterable[Lane | WatchedLane], *, has_stand_in: bool) -> None:
        """Be the backend of these lanes from now on, and of no others.

        Args:
            lanes: Those of all routes.
            has_stand_in: Whether another backend can do new work of one of them.
        """
        self._lanes = list(lanes)
        self._has_stand_in = has_stand_in
        self._show()

    def note(self, *, failed: bool, began_s: float) -> None:
        """Take the outcome of a request that was sent at `began_s`, monotonic."""
        breaker, now_s = self._breaker, time.monotonic()
        if breaker is None:
            return
        before = breaker.state(now_s)
        breaker.note(failed=failed, began_s=began_s, now_s=now_s)
        after = breaker.state(now_s)
        if after is not before:
            self.opened += after is BreakerState.OPEN
            self.look()

    def look(self) -> None:
        """Judge anew, and tell whom it concerns if that changes anything."""
        standings = self.pool.standings
        service, why = judge(
            is_probed_ill=all(standing.is_probed_ill for standing in standings),
            is_ejected=all(standing.is_left_out for standing in standings),
            is_on_probation=all(
                standing.is_left_out or standing.is_on_probation for standing in standings
            ),
            breaker=self.breaker(),
        )
        if (service, why) == (self.service, self.why):
            return
        has_moved = service is not self.service
        because = why if why is not Why.NOTHING else self.why
        self.service, self.why = service, why
        if has_moved:
            self._show()
            self._say(because)

    def _say(self, why: Why) -> None:
        values = {"backend": self.pool.backend.name, "why": why.value}
        if self.service is Service.OUT:
            values["new_work"] = "moves" if self._has_stand_in else "stays"
        # That all is well again is nothing to be looked at.
        level = logging.INFO if self.service is Service.IN else logging.WARNING
        _log.log(level, "%s", write_event(_EVENTS[self.service], **values))

    def _show(self) -> None:
        """Let its lanes be looked at while it is not in service; in service they pay nothing."""
        gate = None if self.service is Service.IN else self
        for lane in self._lanes:
            lane.gate = gate


def _breaker(backend: Backend) -> Breaker | None:
    rule = backend.breaker
    if rule is None:
        return None
    return Breaker(
        share=rule.failures,
        window_s=rule.window_s,
        min_requests=rule.min_requests,
        open_s=rule.open_s,
    )


def compile_soft_errors(backend: Backend) -> SoftErrors | None:
    """The rules of a backend, ready to be used; None if it has none."""
    if not backend.soft_errors:
        return None
    return SoftErrors(
        [
            SoftError(rule.status, JsonPath(rule.json), rule.equals, rule.counts_as)
            for rule in backend.soft_errors
        ]
    )
