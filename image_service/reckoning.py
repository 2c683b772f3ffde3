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
        moved_s: What these have moved records by, all together.
        asked_s: When it was asked, on the steady clock.
        answered_s: When its answer was there.
    """

    wall_s: float
    steps: int
    moved_s: float
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
        moved_s: What these have moved records by, all together.
    """

    ahead_s: float
    steps: int
    moved_s: float = 0.0

    def judge(self, look: Look) -> Verdict:
        """Compare with a look at the shared clock.

        Returns:
            ``behind`` when others have counted steps that are not in it, ``stepped`` when there is
            one that nobody has counted, ``unclear`` when the look was too slow to tell.
        """
        if look.is_slow:
            return "unclear" if look.steps == self.steps else "behind"
        if abs(self.uncounted_s(look)) > STEP_S:
            return "stepped"
        return "right" if look.steps == self.steps else "behind"

    def uncounted_s(self, look: Look) -> float:
        """How far the wall clock was set without anybody having counted that."""
        further_s = look.ahead_s - self.ahead_s
        # Who began between a step and its being counted has had it in his reckoning all along.
        if abs(further_s) <= STEP_S:
            return further_s
        return further_s - (look.moved_s - self.moved_s)

    def follow(self, look: Look) -> Reckoning:
        """Take a look for right; its steps are in it then."""
        return replace(self, ahead_s=look.ahead_s, steps=look.steps, moved_s=look.moved_s)

    def count(self, look: Look) -> Reckoning:
        """Take a look for right that shows a step, and count that step."""
        moved_s = look.moved_s + self.uncounted_s(look)
        return Reckoning(ahead_s=look.ahead_s, steps=look.steps + 1, moved_s=moved_s)
