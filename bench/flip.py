"""From writing routes.yaml to the first request that goes by it."""

from __future__ import annotations

import contextlib
import http.client
import time

from bench.cases import CUSTOMER_HEADER, KIB, target
from bench.peers.figueira import FIGUEIRA, routes_path, routes_yaml
from bench.processes import HOST, StartError
from bench.results import Flips
from bench.session import Session

_PROBE_EVERY_S = 0.001
"""Customers keep asking meanwhile, without taking the machine for themselves."""
_PATIENCE_S = 10.0
_REST_S = 0.2
_REST_STEP_S = 0.037
"""Rests differ, so that flips meet every phase of whatever looks at the file from time to time."""


def measure(session: Session) -> Flips:
    """Flip all traffic from one backend to the other and back, many times."""
    took_ms = []
    with (
        session.serving(FIGUEIRA) as proxy,
        contextlib.closing(http.client.HTTPConnection(HOST, proxy.port)) as connection,
    ):
        path = routes_path(proxy.setting)
        beside = path.with_suffix(".new")
        for number in range(session.extent.flips + 1):
            wanted, percent = ("b", 0) if number % 2 == 0 else ("a", 100)
            began_s = time.perf_counter()
            beside.write_text(routes_yaml(proxy.setting, percent_a=percent))
            beside.replace(path)
            if number == 0:
                # The file before this one was a half-and-half split: only the next tells.
                _wait_for(connection, wanted)
            else:
                took_ms.append((_wait_for(connection, wanted) - began_s) * 1000)
            time.sleep(_REST_S + _REST_STEP_S * (number % 8))
    session.say("flip: done")
    return Flips(took_ms=took_ms)


def _wait_for(connection: http.client.HTTPConnection, wanted: str) -> float:
    """Ask until the wanted backend answers; return when that request was sent."""
    deadline_s = time.perf_counter() + _PATIENCE_S
    while (sent_s := time.perf_counter()) < deadline_s:
        connection.request("GET", target(0, KIB), headers={CUSTOMER_HEADER: "flipped"})
        answer = connection.getresponse()
        answer.read()
        if answer.getheader("X-Origin") == wanted:
            return sent_s
        time.sleep(_PROBE_EVERY_S)
    raise StartError(f"no flip to {wanted} within {_PATIENCE_S:g} s")
