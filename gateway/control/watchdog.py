"""Tells when a process that should say something regularly has stopped doing so.

It counts looks, not seconds: where the whole machine stood still (a suspended container, Ctrl-Z),
nobody looked either, and the process gets its time to speak again. It is handed the time.
"""

from __future__ import annotations

ALIVE_EVERY_S = 0.5
"""How often control speaks."""
_LOOK_EVERY_S = 1.0
_MISSED = 4
"""Looks in a row. Control's loop is never busy for longer than some tenths of a second."""


class Watchdog:
    """Watches one process."""

    def __init__(self) -> None:
        self._missed = 0
        self._look_s: float | None = None

    def heard(self) -> None:
        """It has said something, or was just started."""
        self._missed = 0

    def hangs(self, now_s: float) -> bool:
        """Look, if it is time to; whether it has been silent for too many looks.

        Args:
            now_s: Monotonic.
        """
        if self._look_s is None:
            self._look_s = now_s + _LOOK_EVERY_S
        if now_s < self._look_s:
            return False
        self._look_s = now_s + _LOOK_EVERY_S
        self._missed += 1
        return self._missed > _MISSED

    def until_look_s(self, now_s: float) -> float:
        """How long it is until the next look, in seconds; not below 0."""
        return max((self._look_s or now_s) - now_s, 0.0)
