"""A sample of the last hour's access lines, by which `safety` judges a change.

Workers send a few lines of each fold; control keeps as many of each minute as it needs. Each line
stands for so many requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from gateway.telemetry.access_line import AccessLine, encode_lines

KEPT_MINUTES = 60
"""Long enough to hold every kind of request, short enough to be today's traffic."""
KEPT_OF_A_MINUTE = 100
"""6,000 lines in all: half a percent of error, two MiB, and some tenths of a second to replay."""
_OF_A_FOLD = 4
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
    def __init__(self, number: int) -> None:
        self.number = number
        self.kept: list[Sampled] = []

    def add(self, sampled: Iterable[Sampled]) -> None:
        self.kept += sampled
        while len(self.kept) > KEPT_OF_A_MINUTE:
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
        number = int(now_s // 60)
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        self._minutes[-1].add(sampled)

    def lines(self, now_s: float) -> list[Sampled]:
        """The sample of the last hour, oldest first."""
        oldest = now_s // 60 - KEPT_MINUTES
        return [s for minute in self._minutes if minute.number > oldest for s in minute.kept]
