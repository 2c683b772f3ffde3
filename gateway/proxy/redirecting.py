"""Requests that a backend out of service was meant to answer, and another does.

Nothing of them has been sent, so new work may move whatever its method. What has a fallback begins
there, so that nobody waits for an answer that is not to be expected. What is known to belong to the
backend still goes there, and so does everything that nobody else can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.resilience.service import Service
from gateway.routing.decide import Forward, Reason, ReasonText
from gateway.routing.elsewhere import elsewhere

if TYPE_CHECKING:
    from gateway.proxy.backend_state import BackendState
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.lanes import AnyLane, Lane, WatchedLane
    from gateway.proxy.second import Another

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
    another = lane.watched().another_for(exchange, decision.reason)
    if other is None and not (another is not None and _can_stand_in(another)):
        return lane
    if state.service is Service.TRIAL and not state.is_trial_running:
        watch = lane.watched().watch_for(exchange, decision.reason)
        watch.begin_trial()
        return watch
    if other is not None:
        _decide(exchange, other, Reason.MOVED)
        lane.counters.move(state.why.value)
        watch = lanes[other].watched().watch_for(exchange, Reason.MOVED)
    else:
        assert another is not None  # noqa: S101 - or the request would go where it was meant to
        _decide(exchange, another.resend.to, another.resend.reason)
        lane.counters.resent(another.resend.reason)
        watch = another.first(lane.watched(), decision.reason)
    watch.instead_of, watch.because = decision.backend, state.why.value
    return watch


def _decide(exchange: Exchange, backend: str, reason: ReasonText) -> None:
    meant = exchange.decision
    assert meant is not None  # noqa: S101 - it has led here
    exchange.decision = Forward(meant.route, backend, reason, meant.bucket, meant.detail)


def _can_stand_in(another: Another) -> bool:
    """Whether it may be asked without a word of the first, and can answer."""
    return another.resend.is_for_failures and _is_in_service(another.lane.state)


def _is_in_service(state: BackendState) -> bool:
    state.look()
    return state.service is Service.IN
