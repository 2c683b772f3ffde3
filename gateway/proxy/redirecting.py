"""New work that a backend out of service was meant to do, and another does.

Nothing of such a request has been sent, so this holds for every method. What is known to belong to
the backend still goes there, and so does everything that nobody else can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.resilience.service import Service
from gateway.routing.decide import Forward, Reason
from gateway.routing.elsewhere import elsewhere

if TYPE_CHECKING:
    from gateway.proxy.backend_state import BackendState
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.lanes import AnyLane, Lane, WatchedLane

Lanes = Mapping[str, "Lane | WatchedLane"]


def redirect(exchange: Exchange, decision: Forward, lanes: Lanes) -> AnyLane:
    """The lane that a request takes whose backend is not in service; may change its decision.

    Args:
        exchange: The request.
        decision: Where it was to go.
        lanes: Those of the route, by backend.
    """
    lane, state = lanes[decision.backend], lanes[decision.backend].state
    state.look()
    if state.service is Service.IN:
        return lane
    other = elsewhere(decision, lambda name: _is_in_service(lanes[name].state))
    if other is None:
        return lane
    if state.service is Service.TRIAL and not state.is_trial_running:
        watch = lane.watched().watch_for(exchange, decision.reason)
        watch.begin_trial()
        return watch
    exchange.decision = Forward(
        decision.route, other, Reason.MOVED, decision.bucket, decision.detail
    )
    watch = lanes[other].watched().watch_for(exchange, Reason.MOVED)
    watch.instead_of, watch.because = decision.backend, state.why.value
    lane.counters.move(state.why.value)
    return watch


def _is_in_service(state: BackendState) -> bool:
    state.look()
    return state.service is Service.IN
