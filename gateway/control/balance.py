"""How many customers each worker serves, in memory that all of them share.

The workers take connections from one socket, and the kernel wakes whom it likes: left alone, one
worker of two can end with every customer. So each shows what it has, and whoever is ahead lets the
others go first. Numbers may be read while they are written; that costs balance, never a customer.
"""

from __future__ import annotations

import mmap

_CELL_BYTES = 4
_ABSENT = -1
_SHARE_OF_LEAD = 16
"""A worker may be ahead by one, and by a sixteenth of what the least loaded has: 136 to 120 among
256. A closer race would only make it wait more often."""


def is_ahead(mine: int, least: int, *, took_last: bool) -> bool:
    """Whether a worker should let the others go first.

    Args:
        mine: Its open connections.
        least: Those of whoever of the others has the fewest; negative if there is nobody else.
        took_last: Whether it was the last to take one. Where customers come one at a time and leave
            at once nobody ever has one open, and the same worker would take them all.
    """
    if least <= 0:
        return least == 0 and (mine > 0 or took_last)
    return mine > least + least // _SHARE_OF_LEAD


class Balance:
    """A cell for each worker; made before the workers are, which then share it."""

    def __init__(self, workers: int) -> None:
        """Make the cells; nobody is there yet."""
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, _CELL_BYTES * (workers + 1))).cast("i")
        for index in range(workers + 1):
            self._cells[index] = _ABSENT

    def place(self, index: int) -> Place:
        """The cell of a worker, counted from 0."""
        return Place(self._cells, index)

    def clear(self, index: int) -> None:
        """Note that a worker is gone: nobody waits for it."""
        self._cells[index] = _ABSENT


class Place:
    """A worker's own cell, and its view of the others'."""

    def __init__(self, cells: memoryview[int], index: int) -> None:
        self._cells = cells
        self._index = index
        self._last = len(cells) - 1
        """The cell that holds who was the last to take a connection."""
        self._others = [other for other in range(self._last) if other != index]

    def show(self, connections: int) -> None:
        """Show how many connections are open here."""
        self._cells[self._index] = connections

    def show_taken(self, connections: int) -> None:
        """The same, when one of them has just been taken."""
        self._cells[self._index] = connections
        self._cells[self._last] = self._index

    def leave(self) -> None:
        """Take no more: nobody waits for this worker."""
        self._cells[self._index] = _ABSENT

    def least_of_others(self) -> int:
        """Open connections of whoever else has the fewest; negative if nobody else takes any."""
        cells, least = self._cells, _ABSENT
        for other in self._others:
            count = cells[other]
            if count < least or least == _ABSENT:
                least = count
        return least

    def is_ahead(self, mine: int, least: int) -> bool:
        """Whether the others should go first, as `is_ahead` says."""
        return is_ahead(mine, least, took_last=self._cells[self._last] == self._index)
