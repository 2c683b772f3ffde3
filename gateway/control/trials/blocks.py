"""Which blocks of one file of bounded size are whose; the file itself is another's business."""

from __future__ import annotations

from collections.abc import Sequence

BLOCK_BYTES = 64 * 1024
"""What is kept here is larger than that, so that at most half of its last block is for nothing."""


class Blocks:
    """The blocks of a file: each is free, or belongs to one body."""

    def __init__(self, most: int) -> None:
        """Give out `most` blocks at a time."""
        self._most = most
        self._free: list[int] = []
        self._fresh = 0
        """The first one that was never given out since all were free."""

    @property
    def taken(self) -> int:
        """How many belong to somebody."""
        return self._fresh - len(self._free)

    def take(self, count: int) -> list[int] | None:
        """That many blocks, or None and no block if there are not as many.

        Those that were in use before come first: the file grows no larger than it has to.
        """
        if count > self._most - self.taken:
            return None
        again = min(count, len(self._free))
        found = [self._free.pop() for _ in range(again)]
        found += range(self._fresh, self._fresh + count - again)
        self._fresh += count - again
        return found

    def give_back(self, blocks: Sequence[int]) -> None:
        """Let others have these."""
        self._free += reversed(blocks)
        if len(self._free) == self._fresh:
            self._free, self._fresh = [], 0


def more_blocks(size: int, added: int) -> int:
    """How many blocks a body of `size` bytes needs more for `added` further ones."""
    return -(-(size + added) // BLOCK_BYTES) - -(-size // BLOCK_BYTES)


def places(blocks: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
    """Where in the file a part of a body is: offsets and lengths, in order.

    Args:
        blocks: The body's, in its order.
        start: The first byte of the part.
        end: The byte behind its last.
    """
    found: list[tuple[int, int]] = []
    while start < end:
        number, within = divmod(start, BLOCK_BYTES)
        offset, length = (
            blocks[number] * BLOCK_BYTES + within,
            min(BLOCK_BYTES - within, end - start),
        )
        if found and sum(found[-1]) == offset:
            offset, before = found.pop()
            found.append((offset, before + length))
        else:
            found.append((offset, length))
        start += length
    return found
