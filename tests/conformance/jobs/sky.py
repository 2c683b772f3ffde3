"""Clocks that a test sets: a wall clock that several machines share, and their steady ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.shared_clock import Clocks, steady_clock, wall_clock


@dataclass(slots=True)
class Sky:
    """The clock of the database's machine: the real one, as somebody has set it."""

    set_by_s: float = 0.0

    def clocks(self, steady: Callable[[], float] = steady_clock) -> Clocks:
        """What a process under this sky reads time from."""

        async def wall(_connection: AsyncConnection) -> float:
            return wall_clock() + self.set_by_s

        return Clocks(steady=steady, wall=wall)
