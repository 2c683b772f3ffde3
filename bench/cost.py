"""CPU per request, side by side: every proxy in turn, round after round."""

from __future__ import annotations

from contextlib import ExitStack

from bench.cases import Case, plan_of
from bench.peers.field import Serving
from bench.peers.peer import MissingError
from bench.processes import StartError
from bench.results import Costs, Measured
from bench.session import Session


def measure(session: Session) -> Costs:
    """Start every proxy that can be, then let them take turns, another one first each round."""
    costs = Costs()
    with ExitStack() as stack:
        field = _start(session, costs, stack)
        for number in range(session.extent.rounds):
            for case in session.extent.cases:
                for proxy in field:
                    _take_turn(session, costs, case, proxy)
            field = [*field[1:], *field[:1]]
            session.say(f"cost: round {number + 1} of {session.extent.rounds} done")
    return costs


def _start(session: Session, costs: Costs, stack: ExitStack) -> list[Serving]:
    field = []
    for peer in session.extent.peers:
        try:
            proxy = stack.enter_context(session.serving(peer))
        except (MissingError, StartError) as error:
            session.say(f"cost: {peer.label} is left out: {error}")
            costs.absent[peer.label] = str(error)
            continue
        session.say(f"cost: {peer.label} {proxy.version} serves")
        costs.peers[peer.name] = Measured(
            label=peer.label, version=proxy.version, features=peer.features
        )
        field.append(proxy)
    return field


def _take_turn(session: Session, costs: Costs, case: Case, proxy: Serving) -> None:
    extent, name = session.extent, proxy.peer.name
    plan = plan_of(case, proxy.port, scale=extent.scale, seconds=extent.seconds)
    found = session.sample(proxy, plan)
    costs.cpu_us.setdefault((case.name, name), []).append(found.cpu_us)
    costs.opened[name] = max(costs.opened.get(name, 0), found.opened)
    if found.cpu_us is None:
        fault = f"{proxy.peer.label}, {case.label}: {found.load.fault or 'no request ended'}"
        session.say(f"cost: {fault}")
        costs.faults.append(fault)
    else:
        costs.busy.setdefault((case.name, name), []).append(found.busy)
