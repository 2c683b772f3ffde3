"""Which two of several places are compared: the power of two choices.

Of two at random, the less busy one gets the request. That is nearly as even as asking all of them,
costs the same however many there are, and does not send everybody to the one that looks idlest
(M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001).
"""

from __future__ import annotations


def two_of(count: int, draw: float) -> tuple[int, int]:
    """Two different indexes, each ordered pair as likely as the next.

    Args:
        count: How many there are; at least 2.
        draw: In [0, 1).
    """
    first, second = divmod(int(draw * count * (count - 1)), count - 1)
    return first, second + (second >= first)
