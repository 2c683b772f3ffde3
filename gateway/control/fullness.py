"""How long a worker has had all the connections that it may, and when that is news."""

from __future__ import annotations

_SAY_AGAIN_S = 60.0
"""At the limit one connection ends and another is taken many times a second: one line a minute."""


class Fullness:
    """Of one worker; handed monotonic seconds."""

    def __init__(self) -> None:
        """Begin with room."""
        self._since_s: float | None = None
        self._before_s = 0.0
        self._said_s: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is no room now."""
        return self._since_s is not None

    def begin(self, now_s: float) -> bool:
        """Note that the last place is taken; whether that is news."""
        self._since_s = now_s
        if self._said_s is not None and now_s - self._said_s < _SAY_AGAIN_S:
            return False
        self._said_s = now_s
        return True

    def end(self, now_s: float) -> None:
        """Note that there is room."""
        self._before_s = self.total_s(now_s)
        self._since_s = None

    def total_s(self, now_s: float) -> float:
        """For how many seconds there was none, so far."""
        return self._before_s + (now_s - self._since_s if self._since_s is not None else 0.0)
