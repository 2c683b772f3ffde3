"""Which requests are told apart, where there are more of them than can be remembered.

Telling distinct requests apart takes memory for each. Beyond `PLENTY` only a share of the new ones
is remembered, and that share is halved again and again as their number grows: it grows with the
logarithm of what customers send. Who is remembered depends on the fingerprint and on how many
there are, never on how a comparison came out, so that the remembered ones are as good a sample of
all distinct requests as before and the statistics hold as they are.
"""

from __future__ import annotations

PLENTY = 100_000
"""Of a stratum: they prove a rate of 0.01 % twice over."""
_STEP = 50_000
PLENTY_IN_ALL = 500_000
"""Of an epoch."""
_STEP_IN_ALL = 250_000
_MOST_HALVINGS = 24
_BITS = 64


def is_admitted(fingerprint: bytes, of_stratum: int, of_epoch: int) -> bool:
    """Whether a request that is not remembered yet is to be.

    Args:
        fingerprint: 16 bytes, evenly distributed.
        of_stratum: How many of its stratum are remembered.
        of_epoch: How many in all.
    """
    if of_stratum < PLENTY and of_epoch < PLENTY_IN_ALL:
        return True
    halvings = halved(of_stratum, of_epoch)
    if halvings > _MOST_HALVINGS:
        return False
    return int.from_bytes(fingerprint[-8:], "big") < 1 << (_BITS - halvings)


def halved(of_stratum: int, of_epoch: int) -> int:
    """How often the share has been halved: 0 for all, 1 for every second one."""
    return max(
        _beyond(of_stratum, PLENTY, _STEP),
        _beyond(of_epoch, PLENTY_IN_ALL, _STEP_IN_ALL),
    )


def _beyond(count: int, plenty: int, step: int) -> int:
    return 0 if count < plenty else 1 + (count - plenty) // step
