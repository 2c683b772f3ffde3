"""How many different ones there were: exact up to a bound, a close estimate beyond it."""

from __future__ import annotations

import math

import msgspec
import xxhash

EXACT_UP_TO = 100_000
"""Of one counter; some 12 MiB."""
EXACT_IN_ALL = 500_000
"""Of all counters together; some 60 MiB."""
_PRECISION = 14
_REGISTERS = 1 << _PRECISION
"""16 KiB a counter, and a standard error of 0.8 %."""
_REST_BITS = 64 - _PRECISION
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)


class Count(msgspec.Struct, frozen=True):
    """A number of different ones."""

    count: int
    is_exact: bool
    """If not, it is HyperLogLog's estimate, with a standard error of 0.8 %."""


class Room:
    """What the counters of one report may keep together."""

    def __init__(self, limit: int = EXACT_IN_ALL) -> None:
        self.left = limit


class Distinct:
    """Counts different texts: a set at first, then HyperLogLog (Flajolet and others, 2007)."""

    __slots__ = ("_registers", "_room", "_seen")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._seen: set[str] | None = set()
        self._registers = bytearray()

    def add(self, text: str) -> None:
        """Count `text`, unless it was counted before."""
        seen = self._seen
        if seen is None:
            self._estimate(text)
        elif text not in seen:
            seen.add(text)
            self._room.left -= 1
            if len(seen) > EXACT_UP_TO or self._room.left < 0:
                self._give_up_exactness(seen)

    def count(self) -> Count:
        """How many there were."""
        if self._seen is not None:
            return Count(len(self._seen), is_exact=True)
        raw = _ALPHA * _REGISTERS**2 / sum(2.0**-value for value in self._registers)
        empty = self._registers.count(0)
        # Linear counting is better while many registers are empty.
        if raw <= 2.5 * _REGISTERS and empty:
            raw = _REGISTERS * math.log(_REGISTERS / empty)
        return Count(round(raw), is_exact=False)

    def _give_up_exactness(self, seen: set[str]) -> None:
        self._room.left += len(seen)
        self._seen = None
        self._registers = bytearray(_REGISTERS)
        for text in seen:
            self._estimate(text)

    def _estimate(self, text: str) -> None:
        digest = xxhash.xxh64_intdigest(text.encode())
        index, rest = digest >> _REST_BITS, digest & ((1 << _REST_BITS) - 1)
        rank = _REST_BITS - rest.bit_length() + 1
        registers = self._registers
        registers[index] = max(registers[index], rank)
