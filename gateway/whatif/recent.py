"""A sample of the last hour's access lines, by which `safety` judges a change.

Workers send a few lines of each fold; control keeps so many, and where that is too many, thins the
minutes that have most. Each line stands for so many requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from gateway.telemetry.access_line import AccessLine, encode_lines

KEPT_MINUTES = 60
"""Long enough to hold every kind of request, short enough to be today's traffic."""
KEPT = 6_000
"""Lines: half a percent of error, two MiB, and some tenths of a second to replay."""
_OF_A_FOLD = 8
"""Of up to 64 requests."""
_MAX_UNSENT = 512
"""Between two reports, four a second; more than control keeps of a minute."""


class Sampled(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A line, and how many requests it stands for."""

    line: bytes
    weight: float


class Sampling:
    """What a worker samples of its own lines."""

    def __init__(self) -> None:
        self._unsent: list[Sampled] = []
        self._turn = 0

    def add(self, lines: Sequence[AccessLine]) -> None:
        """Take every so many-th of the lines that were folded together."""
        if not lines or len(self._unsent) >= _MAX_UNSENT:
            return
        step = max(1, len(lines) // _OF_A_FOLD)
        self._turn += 1
        chosen = lines[self._turn % step :: step]
        weight = len(lines) / len(chosen)
        self._unsent += (Sampled(encode_lines([line]), weight) for line in chosen)

    def take(self) -> list[Sampled]:
        """What is to be sent now."""
        unsent, self._unsent = self._unsent, []
        return unsent


class _Minute:
    """What is kept of the lines of one minute."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.kept: list[Sampled] = []

    def thin(self) -> None:
        """Keep every second line, which stands for two from now on."""
        thinned = self.kept[::2]
        scale = sum(s.weight for s in self.kept) / sum(s.weight for s in thinned)
        self.kept = [Sampled(s.line, s.weight * scale) for s in thinned]


class Recent:
    """What control keeps."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque(maxlen=KEPT_MINUTES)

    def add(self, now_s: float, sampled: Sequence[Sampled]) -> None:
        """Take in what a worker sends, at `now_s` of a clock that only goes on."""
        if not sampled:
            return
        minutes, number = self._minutes, int(now_s // 60)
        if not minutes or minutes[-1].number != number:
            minutes.append(_Minute(number))
        minutes[-1].kept += sampled
        while sum(len(minute.kept) for minute in minutes) > KEPT:
            max(minutes, key=lambda minute: len(minute.kept)).thin()

    def lines(self, now_s: float) -> list[Sampled]:
        """The sample of the last hour, oldest first."""
        oldest = now_s // 60 - KEPT_MINUTES
        return [s for minute in self._minutes if minute.number > oldest for s in minute.kept]
