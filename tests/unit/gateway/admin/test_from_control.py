"""What the admin port shows of a control, without its processes."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.admin.from_control import ControlView
from gateway.admin.view import Address, Check
from gateway.control.control import Control, utc_now
from gateway.control.messages import Linked, Report
from gateway.control.probes import Prober
from gateway.control.reload import Reloader
from gateway.control.trials.engine import Trials
from gateway.control.workers import Workers
from gateway.control.x509 import CertificateFacts
from gateway.errors import StartError
from gateway.state.kept import UNKNOWN, Origin
from gateway.telemetry.arrivals import Arrivals
from gateway.telemetry.counters import Counters, pack
from gateway.telemetry.upstreams import AddressCounts
from tests.support import flippable
from tests.support.counted import AT, counted, requests_in
from tests.support.flippable import BAD, accepted
from tests.support.no_ledger import NoLedger


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
    trials = Trials(AT.timestamp, NoLedger(), {})
    parts = SimpleNamespace(
        reloader=Reloader(path, keeper, {}, lambda: AT),
        workers=Workers(Counters(), lambda _: None, trials),
        trials=trials,
        is_draining=False,
        began_s=time.monotonic() - 100,
        restarts=2,
        certificate_problem=None,
        certificate=None,
        prober=Prober(lambda: AT, lambda: None),
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
    assert status.uptime_s >= 100 > status.control.uptime_s >= 0
    assert status.control.restarts == 2


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
        name="config", ok=False, detail=f"{path} has {count} problems; figueira reload tells which"
    )


async def test_a_database_that_is_away_is_a_check_that_informs(
    control: Control, keeper: Keeper
) -> None:
    await control.reloader.look()
    view = ControlView(control)
    assert all(check.ok for check in view.checks())
    keeper.is_away = True
    flippable.write(control.reloader.path.parent, 13)
    await control.reloader.look()
    why = "cannot use the database: it is away"
    assert view.checks()[1] == Check(name="history", ok=False, detail=why)


def test_a_certificate_that_cannot_be_used_is_a_check_where_there_is_tls(control: Control) -> None:
    view = ControlView(control)
    assert "certificate" not in [check.name for check in view.checks()]
    control.certificate_problem = ""
    assert view.checks()[3] == Check(name="certificate", ok=True)
    control.certificate_problem = "TLS key key.pem: Permission denied"
    why = "TLS key key.pem: Permission denied"
    assert view.checks()[3] == Check(name="certificate", ok=False, detail=why)


async def test_backends_are_shown_with_each_address_as_the_workers_see_it(
    control: Control,
) -> None:
    """Before any worker has reported, and after; the worst of them counts for failures."""
    await control.reloader.look()
    view, workers = ControlView(control), control.workers
    address = view.status().backends[0].addresses[0]
    assert (address.address, address.idle) == ("127.0.0.1:1", 0)
    for index, counts in enumerate((AddressCounts(1, 3, 0, 1), AddressCounts(0, 1, 2, 4))):
        worker = workers.link(Linked(index, 100 + index, 0))
        counters = Counters(
            upstream_connections={"legacy": 4}, upstreams={"legacy": {"127.0.0.1:1": counts}}
        )
        workers.heard(worker, Report(1, pack(counters)))
    [legacy, image_service] = view.status().backends
    assert (legacy.name, legacy.connections) == ("legacy", 8)
    assert legacy.addresses == (
        Address(address="127.0.0.1:1", ejected_by=1, failures=3, idle=2, in_use=5),
    )
    assert (image_service.name, image_service.connections) == ("image_service", 0)


def test_a_certificate_that_ends_soon_is_a_check_that_informs(control: Control) -> None:
    """With names and end in the status, whether or not it does."""
    view, now = ControlView(control), utc_now()
    control.certificate_problem = ""
    facts = None
    for days, is_ok in ((20, True), (13, False)):
        facts = control.certificate = CertificateFacts(
            names=("shop.test",),
            not_before=now - timedelta(days=90),
            not_after=now + timedelta(days=days),
            sha256="ab",
        )
        assert view.checks()[3].ok is is_ok
        certificate = view.status().certificate
        assert certificate is not None
        assert (certificate.names, certificate.not_after) == (("shop.test",), facts.not_after)
    assert facts is not None
    assert f"the certificate ends {facts.not_after:%Y-%m-%d %H:%M} UTC" in view.checks()[3].detail


def test_customers_wait_when_every_worker_is_full(control: Control) -> None:
    """Not before: another one takes them."""
    view, workers = ControlView(control), control.workers
    first, second = workers.link(Linked(0, 100, 0)), workers.link(Linked(1, 101, 0))
    full = Counters(client_connections=20, arrivals=Arrivals(limit=20, full=1))
    workers.heard(first, Report(1, pack(full)))
    assert view.checks()[2] == Check(name="connections", ok=True, detail=view.checks()[2].detail)
    assert [(w.connections, w.connections_limit) for w in view.status().workers] == [
        (20, 20),
        (0, 0),
    ]
    workers.heard(second, Report(1, pack(full)))
    assert view.checks()[2] == Check(
        name="connections",
        ok=False,
        detail="all 2 workers have the connections they may have; new customers wait; "
        "see figueira_client_connections_limit",
    )


async def test_a_replaced_control_shows_when_its_revision_was_accepted(control: Control) -> None:
    control.reloader.resume(accepted(9, 12))
    status = ControlView(control).status()
    assert status.revision is not None
    assert (status.revision.number, status.revision.accepted_at) == (9, AT)


def test_workers_are_shown_dead_or_alive_and_their_counts_stay(control: Control) -> None:
    view, workers = ControlView(control), control.workers
    first, second = workers.link(Linked(0, 100, 0)), workers.link(Linked(1, 101, 3))
    for worker in (first, second):
        workers.heard(worker, Report(4, pack(counted(10))))
    workers.lose(first)
    assert [(w.index, w.pid, w.alive, w.revision, w.restarts) for w in view.status().workers] == [
        (0, None, False, 4, 0),
        (1, 101, True, 4, 3),
    ]
    assert requests_in(view.counters()) == 20
    assert view.counters().client_connections == 1
