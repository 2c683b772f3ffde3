"""A gateway as the admin port sees it, without the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.admin.view import (
    Address,
    Backend,
    Check,
    Config,
    Control,
    Revision,
    Route,
    Status,
    Worker,
)
from gateway.errors import Problem
from gateway.routing.snapshot import Snapshot
from gateway.telemetry.counters import Counters

AT = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
PROBLEM = Problem(
    line=14, column=9, path="routes[1]", message='unknown key "wieght"', hint='"weight"?'
)


def worker(index: int, *, alive: bool = True, restarts: int = 0) -> Worker:
    """A worker on revision 7."""
    pid = 100 + index if alive else None
    return Worker(index=index, pid=pid, alive=alive, revision=7, restarts=restarts)


def status(
    *,
    workers: Sequence[Worker] = (worker(0), worker(1, restarts=2)),
    draining: bool = False,
    problems: Sequence[Problem] = (),
) -> Status:
    """A gateway that serves revision 7."""
    return Status(
        version="0.1.0",
        revision=Revision(number=7, digest="ab" * 32, accepted_at=AT),
        config=Config(
            path="routes.yaml",
            ok=not problems,
            problems=tuple(problems),
            last_try_at=AT,
            failures=len(problems),
        ),
        workers=tuple(workers),
        control=Control(pid=99),
        routes=(Route(name="images", backends={"image_service": 5.0, "legacy": 95.0}),),
        backends=(
            Backend(
                name="legacy",
                service={"in": 2},
                addresses=(
                    Address(address="127.0.0.1:8001", probe="ill", probe_detail="status 503"),
                    Address(address="127.0.0.1:8011", probe="well"),
                    Address(address="127.0.0.1:8021"),
                ),
            ),
        ),
        draining=draining,
        uptime_s=12.5,
    )


@dataclass(kw_only=True)
class FakeView:
    """An `AdminView` that says what it was made with, and what it was asked."""

    now: Status = field(default_factory=status)
    informing: Sequence[Check] = ()
    counted: Counters = field(default_factory=Counters)
    serves: Snapshot | None = None
    asked: list[str] = field(default_factory=list)

    def snapshot(self) -> Snapshot | None:
        """What it was made with."""
        self.asked.append("snapshot")
        return self.serves

    def status(self) -> Status:
        """What it was made with."""
        self.asked.append("status")
        return self.now

    def checks(self) -> Sequence[Check]:
        """What it was made with."""
        self.asked.append("checks")
        return self.informing

    def counters(self) -> Counters:
        """What it was made with."""
        self.asked.append("counters")
        return self.counted
