"""May a failed call be repeated, and after how long? Decided purely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from image_service.errors import PictureError, RateLimitError, UnavailableError

# What may be over soon. An empty account, a wrong key or forbidden words stay what they are.
_PASSING = (RateLimitError, UnavailableError)
# The first call and two more: whoever is busy for longer is asked again by the queue.
_MOST_CALLS = 3
_FIRST_PAUSE_S = 0.5
# A customer may be waiting, and a place among those who may order is held meanwhile.
_LONGEST_PAUSE_S = 10.0
# With less than this left no picture comes any more, but it may be bought.
_SHORTEST_CALL_S = 5.0
# A day. What asks for more is nonsense, and the caller decides for himself.
_LONGEST_WISH_S = 86_400.0


def pause_s(error: PictureError, *, calls: int, left_s: float | None, draw: float) -> float | None:
    """Return how long to wait before the same order goes out again; None: it does not.

    Args:
        error: How the last call failed.
        calls: How many there were, at least 1.
        left_s: What is left until the deadline; None when there is none.
        draw: In [0, 1), so that those who failed together do not come back together.
    """
    may_repeat = isinstance(error, _PASSING) and error.outcome == "not_bought"
    if not may_repeat or calls >= _MOST_CALLS:
        return None
    own_s = _FIRST_PAUSE_S * 2.0 ** (calls - 1) * (1 + draw)
    wanted_s = own_s if error.retry_after_s is None else error.retry_after_s
    if wanted_s > _LONGEST_PAUSE_S:
        return None
    is_late = left_s is not None and wanted_s + _SHORTEST_CALL_S > left_s
    return None if is_late else wanted_s


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Read how long an answer asks to be left alone.

    ``retry-after-ms`` is OpenAI's own and finer, so it goes first; ``Retry-After`` holds seconds
    or a date (RFC 9110, section 10.2.3).

    Args:
        headers: Names in lower case, or a mapping that ignores case.
        now: Seconds since 1970, UTC.

    Returns:
        0 to 86400 seconds; None when nothing readable is there.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        wish_s = None if text is None else _seconds(text, unit_s, now)
        if wish_s is not None and 0 <= wish_s <= _LONGEST_WISH_S:
            return wish_s
    return None


def _seconds(text: str, unit_s: float, now: float) -> float | None:
    try:
        wish_s = float(text) * unit_s
    except ValueError:
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
        except (ValueError, OverflowError):
            return None
    return wish_s if math.isfinite(wish_s) else None
