"""A leak is found among the ups and downs of a load; ups and downs alone are none."""

from __future__ import annotations

import random

import pytest

from tests.soak.sampling import Sample
from tests.soak.verdict import MAX_RSS_GROWTH_BYTES, slope, trends

_SECONDS = 600
_RSS_BYTES = 70 << 20


def _samples(*, leak_bytes: float = 0.0, kept: float = 0.0, dies_at_s: int = 0) -> list[Sample]:
    """A process under load, which grows by so much a second from the first."""
    chance = random.Random(3)
    return [
        Sample(
            at_s=float(second),
            role="worker 0",
            pid=1 if second < dies_at_s else 2,
            rss_bytes=int(_RSS_BYTES + leak_bytes * second + chance.uniform(0, 3 << 20)),
            descriptors=int(50 + kept * second + chance.uniform(-20, 20)),
        )
        for second in range(_SECONDS)
    ]


@pytest.mark.parametrize(
    ("samples", "is_flat"),
    [
        pytest.param(_samples(), True, id="ups and downs"),
        pytest.param(_samples(leak_bytes=-50_000), True, id="shrinking"),
        pytest.param(_samples(leak_bytes=1.5 * MAX_RSS_GROWTH_BYTES / 400), False, id="memory"),
        pytest.param(_samples(kept=0.02), False, id="one descriptor in fifty seconds"),
    ],
)
def test_growth_is_told_from_ups_and_downs(samples: list[Sample], *, is_flat: bool) -> None:
    (trend,) = trends(samples, _SECONDS)
    assert trend.is_judged
    assert trend.is_flat == is_flat


def test_a_process_that_was_replaced_meanwhile_is_not_judged() -> None:
    (trend,) = trends(_samples(leak_bytes=1e6, dies_at_s=500), _SECONDS)
    assert (trend.pids, trend.is_judged) == (2, False)


def test_growth_while_warming_up_is_not_counted() -> None:
    """All that a process grows by in the first third."""
    rising = [
        Sample(at_s=s, role="control", pid=1, rss_bytes=min(s, 199) << 20, descriptors=9)
        for s in range(_SECONDS)
    ]
    (trend,) = trends(rising, _SECONDS)
    assert (trend.is_flat, trend.rss_growth_bytes) == (True, 0.0)


def test_the_slope_is_that_of_most_points() -> None:
    points = [(float(x), 3.0 * x) for x in range(50)]
    points[7] = (7.0, 1e9)
    assert slope(points) == pytest.approx(3.0)
    assert slope(points[:1]) == 0.0
