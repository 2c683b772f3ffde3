"""When an address is left out because requests to it fail, and when it is tried again.

Passive: nothing is asked of a backend but what its customers ask. Every failure in a row counts,
the first answer wipes the slate clean. An address that comes back is on probation: until it has
answered, one failure is enough, and each time it is left out for twice as long.

What probes find is kept beside it: either is reason enough to leave an address out.
"""

from __future__ import annotations

EJECT_AFTER = 3
"""Failures in a row: one is an accident, and each of these costs a customer no more than time."""
FIRST_EJECTION_S = 1.0
"""As long as a process takes to start again."""
LONGEST_EJECTION_S = 30.0
"""How long an address that is well again may still be left out."""
_SPREAD = 0.25
"""Part of the time that is left to chance, so that workers do not come back all at once."""


class Standing:
    """What is thought of one address; changed by what happens to its connections."""

    __slots__ = ("_ejections", "_until_s", "failures", "is_ejected", "is_probed_ill")

    def __init__(self) -> None:
        """Think well of it."""
        self.failures = 0
        """In a row, since the last answer; above 0 while on probation."""
        self.is_ejected = False
        self.is_probed_ill = False
        """Whether probes say that it is ill."""
        self._ejections = 0
        self._until_s = 0.0

    @property
    def is_left_out(self) -> bool:
        """Whether it gets nothing, if there is another."""
        return self.is_ejected or self.is_probed_ill

    @property
    def is_on_probation(self) -> bool:
        """Whether it was left out, and has not answered since."""
        return self._ejections > 0 and not self.is_ejected

    def failed(self, now_s: float, draw: float) -> bool:
        """Count a failure: no connection, one that ended without a byte, no answer in time.

        Args:
            now_s: Monotonic time in seconds.
            draw: In [0, 1); the larger, the shorter an ejection, by a quarter at most.

        Returns:
            Whether this left the address out, having been in.
        """
        self.failures += 1
        if self.is_ejected and not self.is_due(now_s):
            # The end of what had begun before.
            return False
        was_in = not self.is_ejected
        if self.failures >= EJECT_AFTER:
            self._eject(now_s, draw)
        return was_in and self.is_ejected

    def _eject(self, now_s: float, draw: float) -> None:
        # No power of two that a float cannot hold, however long a backend is down.
        doublings = min(self._ejections, 16)
        length_s = min(FIRST_EJECTION_S * 2**doublings, LONGEST_EJECTION_S)
        self._until_s = now_s + length_s * (1 - _SPREAD * draw)
        self._ejections += 1
        self.is_ejected = True

    def is_due(self, now_s: float) -> bool:
        """Whether an address that is left out is to be tried again."""
        return self.is_ejected and now_s >= self._until_s

    def connected(self) -> bool:
        """Note that a connection stands: take the address in again, on probation.

        Returns:
            Whether it had been left out.
        """
        if not self.is_ejected:
            return False
        self.is_ejected = False
        self.failures = EJECT_AFTER - 1
        return True

    def answered(self) -> None:
        """Note an answer: all is forgiven."""
        self.failures = self._ejections = 0
