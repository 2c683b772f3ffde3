"""Which differences are kept as examples: a few at each place, each as likely as any other."""

from __future__ import annotations

EXAMPLES = 3
"""At a place: two may be alike by chance."""
MOST_PLACES_OF_ONE = 5
"""One answer that differs everywhere is not kept two hundred times."""
MOST_OF_EPOCH = 1_000
"""Once there are as many, examples are only replaced: at 64 KiB each they take 64 MiB."""


def slot(offered: int, draw: float) -> int | None:
    """Where the newest difference at a place is kept; None: it is not (Vitter's algorithm R).

    Args:
        offered: Differences at the place so far, this one counted.
        draw: Even in [0, 1).
    """
    if offered <= EXAMPLES:
        return offered - 1
    at = int(draw * offered)
    return at if at < EXAMPLES else None
