"""What the load generator sends, and what the proxies are told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cases import CASES, Case, plan_of, request_bytes, target
from bench.install import split
from bench.peers.figueira import routes_yaml
from bench.peers.peer import Setting
from bench.targets import COST_RATIOS
from gateway.config import load
from gateway.routing.decide import Forward, Reason, decide
from gateway.routing.table import Table
from gateway.wire.messages import RequestHead


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_has_the_body_that_its_head_announces(case: Case) -> None:
    plan = plan_of(case, 8000, scale=1, seconds=1)
    head, _, body = request_bytes(plan, 7, 3).partition(b"\r\n\r\n")
    assert head.startswith(f"{case.method} {target(7, case.answer_bytes)} HTTP/1.1".encode())
    assert len(body) == case.request_bytes
    assert (b"Content-Length: %d" % len(body) in head) is (case.method == "POST")


def test_a_plan_has_at_least_one_request() -> None:
    assert plan_of(CASES[-1], 8000, scale=0.00001, seconds=1).requests == 1


def test_every_peer_has_a_target_for_every_case() -> None:
    names = {case.name for case in CASES}
    assert all(set(targets) == names for targets in COST_RATIOS.values())


@pytest.mark.parametrize("routes", [1, 100])
def test_the_gateway_is_measured_with_sticky_splits(tmp_path: Path, routes: int) -> None:
    setting = Setting(
        folder=tmp_path, origins={"a": 1, "b": 2}, port=8000, admin_port=9000, routes=routes
    )
    table = Table(load(routes_yaml(setting).encode(), {}))
    chosen = {
        _decided(table, routes - 1, customer).backend
        for customer in (f"customer-{number}".encode() for number in range(16))
    }
    assert chosen == {"a", "b"}


def _decided(table: Table, route: int, customer: bytes) -> Forward:
    path = target(route, 1024).encode()
    head = RequestHead(b"GET", path)
    head.named = {b"x-customer-id": customer}
    decision = decide(table, head, 0.5)
    assert isinstance(decision, Forward)
    assert decision.reason == Reason.STICKY
    assert decision.route.name == f"service-{route:04d}"
    return decision


def test_a_lock_file_is_taken_apart_by_package() -> None:
    lock = (
        "aiohttp==3.14.5 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via -r in\n"
        "typing-extensions==4.16.0 ; python_full_version < '3.15' \\\n    --hash=sha256:cc\n"
    )
    found = split(lock)
    assert list(found) == ["aiohttp", "typing-extensions"]
    assert "".join(found.values()) == lock
