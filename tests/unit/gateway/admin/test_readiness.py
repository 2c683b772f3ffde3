"""What takes the gateway out of service, and what only informs."""

from __future__ import annotations

import pytest

from gateway.admin.readiness import is_ready, report
from gateway.admin.view import Check, Status
from tests.unit.gateway.admin.fake_view import PROBLEM, status, worker

DEAD = worker(0, alive=False)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(status(), True, id="all-well"),
        pytest.param(status(workers=[DEAD, worker(1)]), True, id="one-worker-left"),
        pytest.param(status(problems=[PROBLEM]), True, id="bad-routes-yaml"),
        pytest.param(status(workers=[DEAD]), False, id="no-worker-alive"),
        pytest.param(status(workers=[]), False, id="no-worker-yet"),
        pytest.param(status(draining=True), False, id="draining"),
    ],
)
def test_only_draining_and_a_lack_of_workers_decide(now: Status, expected: bool) -> None:
    assert is_ready(now) is expected


def test_a_report_has_a_line_for_each_check_and_the_verdict() -> None:
    checks = [
        Check(name="config", ok=True),
        Check(name="backend:legacy", ok=False, detail="refused\r\n[+]forged ok"),
    ]
    assert report(status(), checks).splitlines() == [
        "[+]workers ok",
        "[+]serving ok",
        "[+]config ok",
        "[!]backend:legacy failed: refused [+]forged ok",
        "readyz check passed",
    ]


def test_a_failed_report_says_why() -> None:
    assert report(status(workers=[], draining=True), []).splitlines() == [
        "[-]workers failed: none is alive",
        "[-]serving failed: draining before the stop",
        "readyz check failed",
    ]
