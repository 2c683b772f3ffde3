"""What the admin port shows of a control, without its processes."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.admin.from_control import ControlView
from gateway.admin.view import Check
from gateway.control.control import Control
from gateway.control.messages import Linked, Report
from gateway.control.reload import Reloader
from gateway.control.workers import Workers
from gateway.errors import StartError
from gateway.state.kept import UNKNOWN, Origin
from gateway.telemetry.counters import Counters
from tests.support import flippable
from tests.support.counted import AT, counted, requests_in
from tests.support.flippable import BAD, accepted


class Keeper:
    """A history that can be out of reach."""

    def __init__(self) -> None:
        self.is_away = False
        self.last = 0

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """Number a revision."""
        assert origin == UNKNOWN
        assert (len(digest), at) == (64, AT)
        assert text
        if self.is_away:
            raise StartError("cannot use the database: it is away")
        self.last += 1
        return self.last


@pytest.fixture
def keeper() -> Keeper:
    """A history that works."""
    return Keeper()


@pytest.fixture
def control(tmp_path: Path, keeper: Keeper) -> Control:
    """The parts of a control that the view looks at, real ones."""
    path = flippable.write(tmp_path, 12)
    parts = SimpleNamespace(
        reloader=Reloader(path, keeper, {}, lambda: AT),
        workers=Workers(Counters(), lambda _: None),
        is_draining=False,
        certificate_problem=None,
    )
    return cast("Control", parts)


def test_before_the_first_file_there_is_nothing_to_show(control: Control) -> None:
    status = ControlView(control).status()
    assert (status.revision, status.routes, status.workers) == (None, (), ())
    assert status.config.ok
    assert status.config.last_try_at is None
    assert status.control.pid == os.getpid()


async def test_what_serves_is_shown_with_each_routes_shares(control: Control) -> None:
    await control.reloader.look()
    status = ControlView(control).status()
    assert status.revision is not None
    assert (status.revision.number, status.revision.accepted_at) == (1, AT)
    assert status.revision.digest == flippable.snapshot(12).digest
    assert [(r.name, r.backends) for r in status.routes] == [
        ("all", {"image_service": 12.0, "legacy": 88.0})
    ]
    assert not status.draining
    assert status.uptime_s >= 0


async def test_a_bad_file_is_shown_beside_what_serves(control: Control) -> None:
    await control.reloader.look()
    control.reloader.path.write_text(BAD)
    await control.reloader.look()
    view = ControlView(control)
    status = view.status()
    assert status.revision is not None
    assert (status.revision.number, status.config.ok, status.config.failures) == (1, False, 1)
    assert [problem.line for problem in status.config.problems] != []
    count = len(status.config.problems)
    path = control.reloader.path
    assert view.checks()[0] == Check(
        name="config", ok=False, detail=f"{path} has {count} problem(s); see /api/status"
    )


async def test_a_database_that_is_away_is_a_check_that_informs(
    control: Control, keeper: Keeper
) -> None:
    await control.reloader.look()
    view = ControlView(control)
    assert [check.ok for check in view.checks()] == [True, True]
    keeper.is_away = True
    flippable.write(control.reloader.path.parent, 13)
    await control.reloader.look()
    why = "cannot use the database: it is away"
    assert view.checks()[1] == Check(name="history", ok=False, detail=why)


def test_a_certificate_that_cannot_be_used_is_a_check_where_there_is_tls(control: Control) -> None:
    view = ControlView(control)
    assert "certificate" not in [check.name for check in view.checks()]
    control.certificate_problem = ""
    assert view.checks()[2] == Check(name="certificate", ok=True)
    control.certificate_problem = "TLS key key.pem: Permission denied"
    why = "TLS key key.pem: Permission denied"
    assert view.checks()[2] == Check(name="certificate", ok=False, detail=why)


async def test_a_replaced_control_shows_when_its_revision_was_accepted(control: Control) -> None:
    control.reloader.resume(accepted(9, 12))
    status = ControlView(control).status()
    assert status.revision is not None
    assert (status.revision.number, status.revision.accepted_at) == (9, AT)


def test_workers_are_shown_dead_or_alive_and_their_counts_stay(control: Control) -> None:
    view, workers = ControlView(control), control.workers
    first, second = workers.link(Linked(0, 100, 0)), workers.link(Linked(1, 101, 3))
    for worker in (first, second):
        workers.heard(worker, Report(4, counted(10)))
    workers.lose(first)
    assert [(w.index, w.pid, w.alive, w.revision, w.restarts) for w in view.status().workers] == [
        (0, None, False, 4, 0),
        (1, 101, True, 4, 3),
    ]
    assert requests_in(view.counters()) == 20
    assert view.counters().client_connections == 1
