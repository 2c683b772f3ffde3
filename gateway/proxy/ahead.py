"""How much of one customer's requests is read ahead, and how much of it is served at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.upstream import WRITE_BUFFER_BYTES

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.reader import RequestReader

_MAX_PIPELINED = 8
"""Requests read ahead; more stay in the customer's socket."""
_MOST_AHEAD_BYTES = 128 * 1024
"""Of requests read ahead, while more than one is in line: twice the largest head, so that one which
is too large is seen to be so."""

TURN_S = 0.005
"""What one customer may take of everybody's time at once: what we refuse is answered on the spot,
and thousands of such requests fit into what one read brings."""


def is_enough(reader: RequestReader, in_line: int, reading: Exchange | None) -> bool:
    """Whether reading on would only fill memory.

    Args:
        reader: Who reads.
        in_line: How many requests have been read and not been answered.
        reading: The request that is being read; None between two.
    """
    if in_line > _MAX_PIPELINED or (in_line > 1 and reader.ahead_bytes > _MOST_AHEAD_BYTES):
        return True
    if reader.is_waiting:
        return reader.rest_bytes > WRITE_BUFFER_BYTES
    if reading is None or reading.is_started or reading.upload is None:
        return False
    return reading.upload.pending_bytes > WRITE_BUFFER_BYTES
