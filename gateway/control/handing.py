"""What a worker hands over to control of the exchanges that are to be tried."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.control.channel import Channel
from gateway.control.messages import GivenUp, Offered, Part
from gateway.proxy.captured import Captured

MOST_BEFORE_PARTS_BYTES = 8 * 1024 * 1024
"""Four pictures of 2 MiB: control reads them late when it has just begun something else."""
_MOST_BEFORE_FIRST_PARTS_BYTES = MOST_BEFORE_PARTS_BYTES // 2
"""Beyond that no further one is begun: few that come through are worth more than many that do
not."""
MOST_BEFORE_TRIALS_BYTES = 10 * 1024 * 1024
MOST_BEFORE_REPORTS_BYTES = 12 * 1024 * 1024
"""On a link that is nearly full, large bodies are given up first, then all trials; what is left is
for reports."""


class Handing:
    """The `Way` of large bodies, and that of trials, over one link."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @property
    def is_open(self) -> bool:
        """Whether that control is still there."""
        return self._channel.is_open

    @property
    def is_crowded(self) -> bool:
        """Whether no further capture should begin to go there."""
        return self._channel.unsent_bytes > _MOST_BEFORE_FIRST_PARTS_BYTES

    def pour(self, capture_id: int, side: int, pieces: Sequence[bytes]) -> bool:
        """Send on bytes of a body; whether they went."""
        part = Part(capture_id, side, list(pieces))
        return self._channel.send(part, MOST_BEFORE_PARTS_BYTES)

    def give_up(self, capture_ids: Sequence[int]) -> bool:
        """Tell that nothing comes of some captures; whether that went."""
        return self._channel.send(GivenUp(list(capture_ids)), MOST_BEFORE_REPORTS_BYTES)

    def offer(self, trials: list[Captured]) -> bool:
        """Hand over exchanges that are over; whether they went."""
        return self._channel.send(Offered(trials), MOST_BEFORE_TRIALS_BYTES)
