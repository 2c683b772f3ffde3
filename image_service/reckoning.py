"""What time it is when clocks jump, decided purely.

Two clocks: a *steady* one, which only ever counts seconds (suspended ones as well, where the system
tells), and the *wall* clock of the database's machine, which all processes share and somebody may
set. Time is the steady clock plus what the wall clock was ahead of it when they were last compared.

A small difference is followed: clocks drift. A large one is a *step*: the wall clock was set. A
step changes how late it is called and nothing about how long anybody has waited, so everything on
record is moved by as much. Who notices first moves it, and counts the step; the others see the
count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

STEP_S = 2.0
"""What differs by less is followed. A lease, the shortest time that counts, is mostly longer."""
# An answer that took longer does not say when it was given.
_SLOW_S = 1.0

Verdict = Literal["right", "behind", "stepped", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the shared clock.

    Attributes:
        wall_s: What it showed, in seconds since 1970.
        steps: How many steps were counted then.
        asked_s: When it was asked, on the steady clock.
        answered_s: When its answer was there.
    """

    wall_s: float
    steps: int
    asked_s: float
    answered_s: float

    @property
    def ahead_s(self) -> float:
        """How far the wall clock was ahead of the steady one."""
        return self.wall_s - (self.asked_s + self.answered_s) / 2

    @property
    def is_slow(self) -> bool:
        """Whether it tells too little about when it was."""
        return self.answered_s - self.asked_s > _SLOW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What a process holds to be the time.

    Attributes:
        ahead_s: What has to be added to the steady clock.
        steps: How many steps of the wall clock are in it.
    """

    ahead_s: float
    steps: int

    def judge(self, look: Look) -> Verdict:
        """Compare with a look at the shared clock.

        Returns:
            ``behind`` when others have counted steps that are not in it, ``stepped`` when there is
            one that nobody has counted, ``unclear`` when the look was too slow to tell.
        """
        if look.steps != self.steps:
            return "behind"
        if look.is_slow:
            return "unclear"
        return "stepped" if abs(look.ahead_s - self.ahead_s) > STEP_S else "right"

    def follow(self, look: Look) -> Reckoning:
        """Take a look for right; its steps are in it then."""
        return replace(self, ahead_s=look.ahead_s, steps=look.steps)
