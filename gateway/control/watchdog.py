"""Tells when a process that should say something regularly has stopped doing so.

It counts looks, not seconds: where the whole machine stood still (a suspended container, Ctrl-Z),
nobody looked either, and the process gets its time to speak again. It is handed the time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.control.messages import Alive

if TYPE_CHECKING:
    from gateway.control.lifeline import Lifeline

ALIVE_EVERY_S = 0.5
"""How often control and workers speak."""
_LOOK_EVERY_S = 1.0
MISSED = 4
"""Looks in a row. Control's loop is never busy for longer than some tenths of a second."""
MISSED_BY_WORKER = 8
"""Nor is a worker's; but an error here would cut all of its customers off."""


class Watchdog:
    """Watches one process."""

    def __init__(self, missed: int = MISSED) -> None:
        """Watch a process that may be silent for so many looks."""
        self._may_miss = missed
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
        return self._missed > self._may_miss

    def until_look_s(self, now_s: float) -> float:
        """How long it is until the next look, in seconds; not below 0."""
        return max((self._look_s or now_s) - now_s, 0.0)


async def say_alive(lifeline: Lifeline) -> None:
    """Speak, in the loop that is to be watched."""
    while True:
        lifeline.post(Alive())
        await asyncio.sleep(ALIVE_EVERY_S)
