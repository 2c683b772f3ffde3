"""How many customers each worker serves, in memory that all of them share.

The workers take connections from one socket, and the kernel wakes whom it likes: left alone, one
worker of two can end with every customer. So each shows what it has, and whoever is ahead lets the
others go first. Numbers may be read while they are written; that costs balance, never a customer.
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

_CELL_BYTES = 4
_ABSENT = _NOBODY = -1
_LARGEST = 0x7FFF_FFFF
"""That fits in a cell; counting goes on from 0."""
_SHARE_OF_LEAD = 16
"""A worker may be ahead by one, and by a sixteenth of what the least loaded has: 136 to 120 among
256. A closer race would only make it wait more often."""
_IN_A_ROW = 2
"""When nobody is busy; to go strictly in turn would cost every second customer a wait."""


def is_ahead(mine: int, least: int, *, in_a_row: int) -> bool:
    """Whether a worker should let the others go first.

    Args:
        mine: Its open connections.
        least: Those of whoever of the others has the fewest; negative if there is nobody else.
        in_a_row: How many it took since another took one. Where customers come one at a time and
            leave at once nobody ever has one open, and one worker would take most of them.
    """
    if least <= 0:
        return least == 0 and (mine > 0 or in_a_row >= _IN_A_ROW)
    return mine > least + least // _SHARE_OF_LEAD


class Balance:
    """Two cells for each worker; made before the workers are, which then share them."""

    def __init__(self, workers: int) -> None:
        """Make the cells; nobody is there yet."""
        cells = memoryview(mmap.mmap(-1, _CELL_BYTES * (2 * workers + 1))).cast("i")
        self._open, self._taken, self._last = cells[:workers], cells[workers:-1], cells[-1:]
        self._last[0] = _NOBODY
        for index in range(workers):
            self.clear(index)

    def place(self, index: int) -> Place:
        """The cells of a worker, counted from 0."""
        return Place(self._open, self._taken, self._last, index)

    def clear(self, index: int) -> None:
        """Note that a worker is gone: nobody waits for it."""
        self._open[index] = _ABSENT


class Rival(NamedTuple):
    """Whoever of the others has the fewest connections; nobody is there if they are negative."""

    connections: int
    taken: int
    """How many it has ever taken; grows as long as it does not hang."""


class Place:
    """A worker's own cells, and its view of the others'."""

    def __init__(
        self,
        connections: memoryview[int],
        taken: memoryview[int],
        last: memoryview[int],
        index: int,
    ) -> None:
        self._open = connections
        self._taken = taken
        self._last = last
        self._index = index
        self._in_a_row = 0
        self._others = [other for other in range(len(connections)) if other != index]

    def show(self, connections: int) -> None:
        """Show how many connections are open here."""
        self._open[self._index] = connections

    def show_taken(self, connections: int) -> None:
        """The same, when one of them has just been taken."""
        index = self._index
        self._open[index] = connections
        self._taken[index] = (self._taken[index] + 1) & _LARGEST
        self._in_a_row = self._in_a_row + 1 if self._last[0] == index else 1
        self._last[0] = index

    def leave(self) -> None:
        """Take no more: nobody waits for this worker."""
        self._open[self._index] = _ABSENT

    def rival(self) -> Rival:
        """Whom this worker has to let go first, if it is ahead."""
        counts, least, rival = self._open, _ABSENT, _NOBODY
        for other in self._others:
            count = counts[other]
            if count != _ABSENT and (count < least or least == _ABSENT):
                least, rival = count, other
        return Rival(least, self._taken[rival] if rival != _NOBODY else 0)

    def is_ahead(self, mine: int, least: int) -> bool:
        """Whether the rival, who has `least` connections, should go first; see `is_ahead`."""
        in_a_row = self._in_a_row if self._last[0] == self._index else 0
        return is_ahead(mine, least, in_a_row=in_a_row)
