"""Snapshot <-> bytes, for the way from the control process to its workers.

MessagePack, because a worker that takes in a revision serves nobody meanwhile.
"""

from __future__ import annotations

import msgspec

from gateway.routing.snapshot import Snapshot

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """A snapshot as MessagePack; the same bytes for equal snapshots."""
    return _ENCODER.encode(snapshot)


def decode(data: bytes) -> Snapshot:
    """What `encode` was given.

    Raises:
        msgspec.DecodeError: not MessagePack, or not a Snapshot: the two processes run different
            versions.
    """
    return _DECODER.decode(data)
