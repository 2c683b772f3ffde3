"""Chance that always falls the same way: numbers drawn from a hash of words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK_64 = (1 << 64) - 1


class Chance:
    """A small generator (splitmix64) whose whole sequence follows from its key.

    ``random`` is not used: its sequence is not promised across Python versions, and these
    pictures must be equal byte for byte wherever they are painted.
    """

    __slots__ = ("_key", "_state")

    def __init__(self, key: str) -> None:
        self._key = key
        # A prompt may hold lone surrogates: JSON can spell them.
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        self._state = int.from_bytes(digest[:8], "big")

    def fork(self, part: str) -> Chance:
        """Return an independent sequence for one part of the picture."""
        return Chance(f"{self._key}\n{part}")

    def draw(self) -> float:
        """Return the next number in [0, 1)."""
        # Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK_64
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK_64
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.draw()

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.draw() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self.draw() * len(choices))]

    def happens(self, probability: float) -> bool:
        """Return True with the given probability, 0..1."""
        return self.draw() < probability

    def grain(self, count: int) -> bytes:
        """Return ``count`` evenly spread bytes, for noise."""
        key = self._key.encode("utf-8", "surrogatepass")
        return hashlib.shake_256(key + b"\ngrain" + self._state.to_bytes(8, "big")).digest(count)
