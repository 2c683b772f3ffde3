"""The body of a request, on its way from a customer to a backend."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.wire.inbound import Body, Inbound
from gateway.wire.messages import Header
from gateway.wire.trailers import write_last_chunk

GRACE_S = 30.0
"""In which a body may come as slowly as it likes."""
LEAST_BYTES_PER_S = 500
"""Afterwards, on average, where others are kept waiting for it: less than any line in use gives,
and enough to end those that drip bytes to keep a place for themselves."""
_PIECE_BYTES = 64
"""What a piece of a body costs beside its bytes: chunks of two bytes are many pieces."""


class Upload:
    """What has come of a body and not been sent on, and whether it may be."""

    __slots__ = ("_is_chunked", "_pieces", "has_place", "is_blocked", "pending_bytes", "trailers")

    def __init__(self, inbound: Inbound) -> None:
        self._is_chunked = inbound.body is Body.CHUNKED
        self._pieces: list[bytes] = []
        self.pending_bytes = 0
        """Memory held for what waits here."""
        self.trailers: Sequence[Header] = ()
        """Fields to pass on behind the body."""
        self.is_blocked = False
        """Whether the backend takes nothing just now."""
        self.has_place = False
        """Whether it counts among the pool's uploads."""

    def add(self, data: bytes) -> None:
        """Take a piece."""
        self._pieces.append(data)
        self.pending_bytes += len(data) + _PIECE_BYTES

    def take(self, *, is_complete: bool) -> list[bytes]:
        """Whatever waits here, framed as the request's head says."""
        pieces, self._pieces, self.pending_bytes = self._pieces, [], 0
        if self._is_chunked:
            if pieces:
                pieces = [b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n"]
            if is_complete:
                pieces.append(write_last_chunk(self.trailers))
        return pieces

    def drop(self) -> None:
        """Keep nothing."""
        self._pieces, self.pending_bytes = [], 0


def is_too_slow(
    passed_bytes: int, age_s: float, least_bytes_per_s: int = LEAST_BYTES_PER_S
) -> bool:
    """Whether a body, `age_s` seconds after its request's head, drips rather than flows."""
    return age_s > GRACE_S and passed_bytes < (age_s - GRACE_S) * least_bytes_per_s
