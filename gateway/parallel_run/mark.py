"""The mark of a trial: what tells a candidate that nobody waits for its answer.

``X-Figueira-Trial`` is the trial's id, or, where the two share a secret,
``TRIAL.EXPIRES.SIGNATURE``: EXPIRES in seconds since 1970, SIGNATURE the HMAC-SHA256 of both in
URL-safe base64 without padding. A candidate that leaves nothing behind for a trial has to know who
says so; whoever could forge the mark could have orders forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

HEADER = b"X-Figueira-Trial"
GOOD_FOR_S = 300
"""Longer than a trial takes, and than two machines' clocks are apart."""
_PURPOSE = b"figueira trial 1\0"
"""So that a signature made with the same secret for something else is none of these."""


def write_mark(trial_id: str, now_s: float, secret: str) -> bytes:
    """The mark of a trial.

    Args:
        trial_id: Letters, digits, ``-`` and ``_``, at most 64.
        now_s: Seconds since 1970.
        secret: ``parallel_runs.NAME.mark_secret``; empty: the mark is not signed.
    """
    if not secret:
        return trial_id.encode()
    signed = f"{trial_id}.{int(now_s) + GOOD_FOR_S}".encode()
    digest = hmac.digest(secret.encode(), _PURPOSE + signed, hashlib.sha256)
    return signed + b"." + urlsafe_b64encode(digest).rstrip(b"=")
