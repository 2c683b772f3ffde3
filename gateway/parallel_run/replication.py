"""Whether the candidate's copy of the control's data holds what an answer was made of: pure.

Customers look at what they have just ordered, and a copy comes a moment later. Such a difference is
no fault of the candidate's code, and no reason to leave the request out either: it is compared once
the copy is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

FOLLOWS_S = 10.0
"""A backfill that is no more than this behind will be level in a moment."""
SLACK_S = 0.25
"""Between the clocks of the backfill and of the gateway."""
_NUMBER = re.compile(r"[1-9]\d{0,18}", re.ASCII)


class Standing(StrEnum):
    """How the candidate's copy stands to an answer of the control."""

    LEVEL = "level"
    """It holds what the answer was made of."""
    NEAR = "near"
    """Not yet, and will in a moment."""
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a backfill is, as the candidate says."""

    last_id: int
    """Everything up to this id is there as it is to stay."""
    as_of_s: float | None = None
    """What the control had then is there, whatever its id; None: nobody says."""
    tells_moments: bool = False
    """Whether it says, once it can: then each word of it is worth a new question."""


def read_watermark(body: bytes) -> Watermark | None:
    """A watermark of ``{"id": 4711, "as_of": "2026-11-24T01:59:51.374Z"}``; None if it is none."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    last_id = told.get("id") if isinstance(told, dict) else None
    text = str(last_id)
    if isinstance(last_id, bool | float) or not (text.isascii() and text.isdigit()):
        return None
    return Watermark(
        last_id=int(text), as_of_s=_moment(told.get("as_of")), tells_moments="as_of" in told
    )


def _moment(told: object) -> float | None:
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return found.timestamp() if found is not None and found.tzinfo is not None else None


def standing(
    watermark: Watermark | None, path: str, answered_at_s: float, now_s: float
) -> Standing:
    """How a candidate stands to an answer that the control gave to a request for `path`.

    Args:
        watermark: None: nobody says, so the answers are taken as they are.
        path: That was asked for; numbers in it are ids.
        answered_at_s: When, in seconds since 1970.
        now_s: The same.
    """
    if watermark is None:
        return Standing.LEVEL
    if watermark.as_of_s is not None:
        if watermark.as_of_s >= answered_at_s + SLACK_S:
            return Standing.LEVEL
        if now_s - watermark.as_of_s <= FOLLOWS_S:
            return Standing.NEAR
    ids = [int(each) for each in path.split("/") if _NUMBER.fullmatch(each)]
    return Standing.BEHIND if ids and max(ids) > watermark.last_id else Standing.LEVEL
