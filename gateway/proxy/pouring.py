"""A capture that is too large for a worker's memory goes to control while it passes."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.parallel_run.classes import TrialClass
from gateway.proxy.captured import MOST_BODY_BYTES, Poured, Way


class Pouring:
    """What of one capture has gone, and where."""

    __slots__ = ("_sizes", "_way", "capture_id")

    def __init__(self, way: Way, capture_id: int) -> None:
        """Begin; `capture_id` is this capture's own in the life of the worker."""
        self._way = way
        self.capture_id = capture_id
        self._sizes = [0, 0]

    @property
    def poured(self) -> Poured:
        """How much has gone."""
        return Poured(self.capture_id, *self._sizes)

    def pour(
        self, side: int, pieces: Sequence[bytes], announced_bytes: int = 0
    ) -> TrialClass | None:
        """Send on what has come of a side; what becomes of the capture if that cannot be.

        Args:
            side: 0 for the request, 1 for the answer.
            pieces: What has come of its body since.
            announced_bytes: What its head says that it will be; 0 if it says nothing.
        """
        size = self._sizes[side] + sum(map(len, pieces))
        if max(size, announced_bytes) > MOST_BODY_BYTES:
            return TrialClass.TOO_LARGE
        if not self._way.pour(self.capture_id, side, pieces):
            has_begun = self._sizes != [0, 0]
            return (self.loss() if has_begun else None) or TrialClass.SHED
        self._sizes[side] = size
        return None

    def loss(self) -> TrialClass | None:
        """What becomes of the capture, now that it is all there: lost if that control is gone."""
        return None if self._way.is_open else TrialClass.LOST
