"""Numbers in settings: ASCII digits alone, as an operator types them.

Python's own ``int`` and ``float`` also take other scripts' digits, underlines, spaces and words.
"""

from __future__ import annotations

import math
import re

_DECIMAL = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
# Python refuses to read whole numbers of thousands of digits; nobody sets one of nineteen.
_MOST_DIGITS = 18


def read_decimal(text: str) -> float:
    """Return the number, not negative; NaN when it is none."""
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def read_whole(text: str) -> int | None:
    """Return the whole number, not negative; None when it is none, or far too long."""
    is_whole = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_whole else None
