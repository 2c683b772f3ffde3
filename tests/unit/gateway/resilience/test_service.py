"""Whether a backend is in service, from all that is known of it."""

from __future__ import annotations

import pytest

from gateway.resilience.breaker import BreakerState
from gateway.resilience.service import Service, Why, judge

_CLOSED, _OPEN, _HALF_OPEN = BreakerState


@pytest.mark.parametrize(
    ("probed_ill", "ejected", "probation", "breaker", "expected"),
    [
        (False, False, False, _CLOSED, (Service.IN, Why.NOTHING)),
        (True, False, False, _CLOSED, (Service.OUT, Why.PROBES)),
        (True, True, False, _OPEN, (Service.OUT, Why.PROBES)),
        (False, True, True, _CLOSED, (Service.OUT, Why.EJECTED)),
        (False, False, True, _CLOSED, (Service.TRIAL, Why.EJECTED)),
        (False, False, False, _OPEN, (Service.OUT, Why.BREAKER)),
        (False, False, True, _OPEN, (Service.OUT, Why.BREAKER)),
        (False, False, False, _HALF_OPEN, (Service.TRIAL, Why.BREAKER)),
        (True, False, False, _HALF_OPEN, (Service.OUT, Why.PROBES)),
        (False, True, False, _HALF_OPEN, (Service.OUT, Why.EJECTED)),
    ],
)
def test_the_worst_finding_counts(
    probed_ill: bool,
    ejected: bool,
    probation: bool,
    breaker: BreakerState,
    expected: tuple[Service, Why],
) -> None:
    judged = judge(
        is_probed_ill=probed_ill, is_ejected=ejected, is_on_probation=probation, breaker=breaker
    )
    assert judged == expected
