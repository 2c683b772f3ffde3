"""How much of bodies control holds in memory at a time, over all trials under way."""

from __future__ import annotations

MOST_HELD_BYTES = 128 * 1024 * 1024
"""Sixteen trials of pictures of 2 MiB, each of which may be asked for four times."""


class Room:
    """A number of bytes, of which each trial has a share."""

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        """Let all shares together be so large."""
        self.most_bytes = most_bytes
        self.held_bytes = 0
        """Of all shares."""

    def share(self, size: int) -> Share | None:
        """A share of that size, in bytes; None if there is no room now, which others may leave.

        Where there is no other, there always is room.
        """
        if self.held_bytes and self.held_bytes + size > self.most_bytes:
            return None
        self.held_bytes += size
        return Share(self, size)

    def grow(self, size: int) -> bool:
        """Make a share larger by so many bytes, if there is room."""
        if self.held_bytes + size > self.most_bytes:
            return False
        self.held_bytes += size
        return True


class Share:
    """What one trial may hold; given back as a whole."""

    __slots__ = ("_room", "_size", "_used")

    def __init__(self, room: Room, size: int) -> None:
        self._room = room
        self._size = size
        self._used = 0

    def hold(self, size: int) -> bool:
        """Hold so many bytes more; False if there is no room for them."""
        more = self._used + size - self._size
        if more > 0:
            if not self._room.grow(more):
                return False
            self._size += more
        self._used += size
        return True

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._room.held_bytes -= self._size
        self._size = self._used = 0
