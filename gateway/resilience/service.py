"""Whether a backend is given new work: what probes, ejection and breaker come to together."""

from __future__ import annotations

from enum import Enum

from gateway.resilience.breaker import BreakerState


class Service(Enum):
    """How far a backend is in service. It concerns new work that another could do as well."""

    IN = "in"
    TRIAL = "trial"
    """One request at a time, to see if it is well again."""
    OUT = "out"


class Why(Enum):
    """What keeps a backend from being in service."""

    NOTHING = ""
    PROBES = "probes"
    EJECTED = "ejected"
    BREAKER = "breaker"


def judge(
    *, is_probed_ill: bool, is_ejected: bool, is_on_probation: bool, breaker: BreakerState
) -> tuple[Service, Why]:
    """Judge a backend.

    Args:
        is_probed_ill: Whether probes find every address ill.
        is_ejected: Whether connections or requests to every address fail.
        is_on_probation: Whether every address was so, and nothing has been answered since.
        breaker: What its breaker says; closed if it has none.
    """
    if is_probed_ill:
        return Service.OUT, Why.PROBES
    if is_ejected:
        return Service.OUT, Why.EJECTED
    if breaker is BreakerState.OPEN:
        return Service.OUT, Why.BREAKER
    if breaker is BreakerState.HALF_OPEN:
        return Service.TRIAL, Why.BREAKER
    if is_on_probation:
        return Service.TRIAL, Why.EJECTED
    return Service.IN, Why.NOTHING
