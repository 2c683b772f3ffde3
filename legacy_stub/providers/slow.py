"""The renderer at the pace of a model: the slowness that the shop complains of."""

from __future__ import annotations

import math
import random

from legacy_stub.gallery.local import Paint
from legacy_stub.stopping import Stopping

DELAY_SIGMA = 0.25  # two orders of three take between 0.78 and 1.28 times the median


def slowed(render: Paint, *, median_s: float, stopping: Stopping) -> Paint:
    """Return ``render`` with a wait before each picture, log-normal around ``median_s`` seconds.

    The wait ends with StoppingError when the process ends.
    """

    def paint(prompt: str, width: int, height: int) -> bytes:
        stopping.sleep(delay_s(median_s, random.gauss(0, 1)))
        return render(prompt, width, height)

    return paint


def delay_s(median_s: float, gauss: float) -> float:
    """Return how long one order takes: log-normal around ``median_s``.

    Args:
        median_s: Seconds; 0 gives 0.
        gauss: A draw from the standard normal distribution.
    """
    return median_s * math.exp(DELAY_SIGMA * gauss)
