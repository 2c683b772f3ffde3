"""Names of jobs: UUIDs of version 7 (RFC 9562, section 5.7), which sort by time."""

from __future__ import annotations

import re
import uuid

_RANDOM_BITS = 74
_JOB_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def job_id(*, now: float, noise: int) -> str:
    """Make a job's name.

    Args:
        now: Seconds since 1970.
        noise: At least 74 random bits, which make the name unguessable.
    """
    milliseconds = int(now * 1000) & (2**48 - 1)
    noise &= 2**_RANDOM_BITS - 1
    high, low = noise >> 62, noise & (2**62 - 1)
    value = milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    return str(uuid.UUID(int=value))


def is_job_id(text: str) -> bool:
    """Whether a job can have this name."""
    return _JOB_ID.fullmatch(text) is not None
