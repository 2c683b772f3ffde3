"""Time of a request when there is no other: one connection, one request at a time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from bench.cases import GET_1K, plan_of
from bench.peers.peer import MissingError
from bench.processes import StartError, loading
from bench.results import DIRECT, Latencies
from bench.session import Session

_SHARE = 0.1
"""Of the requests of a round under load: one connection is slower than sixteen."""
_ROUNDS = 3
"""For one under load. A run of requests is quick or slow as a whole, by which cores its processes
wake each other on: many short runs have a steadier median than few long ones."""


def measure(session: Session) -> Latencies:
    """Ask through each proxy, and the origin itself, in turn."""
    extent = session.extent
    latencies = Latencies(p50_us={})
    with ExitStack() as stack:
        ports = {DIRECT: session.origin.ports["a"]}
        for peer in extent.peers:
            try:
                ports[peer.label] = stack.enter_context(session.serving(peer)).port
            except (MissingError, StartError) as error:
                session.say(f"latency: {peer.label} is left out: {error}")
        for _ in range(_ROUNDS * extent.rounds):
            for label, port in ports.items():
                plan = plan_of(GET_1K, port, scale=extent.scale * _SHARE, seconds=extent.seconds)
                with loading(replace(plan, connections=1)) as load:
                    result = load.go()
                value = None if result.fault else result.p50_us
                latencies.p50_us.setdefault(label, []).append(value)
    session.say("latency: done")
    return latencies
