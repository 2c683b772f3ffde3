"""Figueira's cost as routes, idle connections and workers become more."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from bench.cases import GET_1K, LoadPlan, plan_of, request_bytes
from bench.cpu import read_bytes
from bench.peers.field import Serving
from bench.peers.figueira import FIGUEIRA
from bench.processes import HOST, StartError, fetch
from bench.results import Growth, Rounds, Workers
from bench.session import Session

ROUTES = (1, 100, 1000)
IDLE = (10, 1000, 5000)
_SPARE_DESCRIPTORS = 512
"""For everything that is no idle connection."""
_WORKER_CONNECTIONS = 64
"""Enough that chance alone spreads them evenly."""
_SETTLE_S = 0.3
"""For a worker to see that connections have gone."""
_PATIENCE_S = 10.0


def measure_routes(session: Session) -> Growth:
    """The same load on gateways with more and more routes, all of which are asked."""
    growth = Growth(of="routes", cpu_us={count: [] for count in ROUTES})
    with ExitStack() as stack:
        field = {n: stack.enter_context(session.serving(FIGUEIRA, routes=n)) for n in ROUTES}
        for _ in range(session.extent.rounds):
            for count, proxy in field.items():
                plan = replace(_plan(session, proxy), routes=count)
                growth.cpu_us[count].append(session.sample(proxy, plan).cpu_us)
    session.say("routes: done")
    return growth


def measure_idle(session: Session) -> Growth:
    """The same load beside more and more connections that only wait."""
    growth = Growth(of="idle connections", cpu_us={})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_DESCRIPTORS
    for count in IDLE:
        if count > most:
            growth.skipped[count] = f"this machine allows {most} open descriptors"
            session.say(f"idle: {count} are left out: {growth.skipped[count]}")
    with session.serving(FIGUEIRA) as proxy:
        for _ in range(session.extent.rounds):
            for count in IDLE:
                if count <= most:
                    with _idling(proxy, count):
                        found = session.sample(proxy, _plan(session, proxy)).cpu_us
                    growth.cpu_us.setdefault(count, []).append(found)
                    time.sleep(_SETTLE_S)
    session.say("idle: done")
    return growth


@contextmanager
def _idling(proxy: Serving, count: int) -> Iterator[None]:
    """Hold connections that have each had one answer."""
    with ExitStack() as stack:
        plan = plan_of(GET_1K, proxy.port, scale=1, seconds=1)
        for customer in range(count):
            end = socket.create_connection((HOST, proxy.port), _PATIENCE_S)
            stack.enter_context(contextlib.closing(end))
            end.sendall(request_bytes(plan, 0, customer))
            _read_answer(end, plan.answer_bytes)
        yield


def _read_answer(end: socket.socket, size: int) -> None:
    data = b""
    while len(data.partition(b"\r\n\r\n")[2]) < size:
        piece = end.recv(1 << 16)
        if not piece:
            raise StartError("an idle connection was closed before its answer was whole")
        data += piece


def measure_workers(session: Session) -> Workers:
    """One worker and two under the same load, and how the two share it."""
    one: Rounds = []
    two: Rounds = []
    busier: Rounds = []
    with session.serving(FIGUEIRA) as single, session.serving(FIGUEIRA, workers=2) as double:
        pids = _worker_pids(double)
        for _ in range(session.extent.rounds):
            one.append(session.sample(single, _wide(session, single)).cpu_us)
            before = [read_bytes(pid) for pid in pids]
            two.append(session.sample(double, _wide(session, double)).cpu_us)
            read = [read_bytes(pid) - was for pid, was in zip(pids, before, strict=True)]
            busier.append(max(read) / sum(read) if sum(read) else None)
    session.say("workers: done")
    return Workers(one_us=one, two_us=two, busier_share=busier)


def _worker_pids(proxy: Serving) -> list[int]:
    """The workers' process ids, in order; they may not all have reported yet."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        _, body, _ = fetch(proxy.setting.admin_port, "/api/status")
        pids = [worker["pid"] for worker in json.loads(body)["workers"] if worker["alive"]]
        if len(pids) == proxy.setting.workers:
            return pids
        time.sleep(_SETTLE_S)
    raise StartError("the admin port never listed every worker")


def _plan(session: Session, proxy: Serving) -> LoadPlan:
    extent = session.extent
    return plan_of(GET_1K, proxy.port, scale=extent.scale, seconds=extent.seconds)


def _wide(session: Session, proxy: Serving) -> LoadPlan:
    return replace(_plan(session, proxy), connections=_WORKER_CONNECTIONS)
