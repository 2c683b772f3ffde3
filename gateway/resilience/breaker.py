"""When too many of a backend's answers are failures, and when it is asked again.

Closed, it counts what has happened within a rolling window. Open, it says that the backend had
better not be asked. After a while it is half open: the next outcome decides.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

_SLICES = 10
"""Parts of the window that are forgotten at a time."""


class BreakerState(Enum):
    """What a breaker says."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One backend's; changed by the outcomes of requests, and by time."""

    def __init__(self, *, share: float, window_s: float, min_requests: int, open_s: float) -> None:
        """Begin closed.

        Args:
            share: Failures among all outcomes, in (0, 1], from which on it opens.
            window_s: What is remembered, to a tenth of it, in seconds.
            min_requests: Outcomes within the window below which it stays closed.
            open_s: How long it is open before it is half open, in seconds.
        """
        self._share = share
        self._window_s = window_s
        self._min_requests = min_requests
        self._open_s = open_s
        self._slices: deque[list[int]] = deque()
        """Number of the slice, outcomes and failures in it; the newest is last."""
        self._half_open_at_s: float | None = None
        """None while it is closed."""

    def state(self, now_s: float) -> BreakerState:
        """What it says at `now_s`, monotonic time in seconds."""
        if self._half_open_at_s is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now_s < self._half_open_at_s else BreakerState.HALF_OPEN

    def note(self, *, failed: bool, began_s: float, now_s: float) -> None:
        """Take an outcome.

        Args:
            failed: Whether it was a failure.
            began_s: When its request was sent. What had begun before the breaker was half open
                says nothing of how the backend is now.
            now_s: Monotonic time in seconds.
        """
        if self._half_open_at_s is None:
            self._count(failed=failed, now_s=now_s)
            outcomes, failures = self.counted(now_s)
            if failed and outcomes >= self._min_requests and failures >= outcomes * self._share:
                self._open(now_s)
        elif began_s >= self._half_open_at_s:
            if failed:
                self._open(now_s)
            else:
                self._half_open_at_s = None

    def counted(self, now_s: float) -> tuple[int, int]:
        """Outcomes and failures within the window."""
        oldest = self._slice(now_s) - _SLICES
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
        return sum(one[1] for one in self._slices), sum(one[2] for one in self._slices)

    def _count(self, *, failed: bool, now_s: float) -> None:
        number = self._slice(now_s)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += failed

    def _slice(self, now_s: float) -> int:
        return int(now_s * _SLICES / self._window_s)

    def _open(self, now_s: float) -> None:
        self._half_open_at_s = now_s + self._open_s
        # What was before is no evidence against what comes after.
        self._slices.clear()
