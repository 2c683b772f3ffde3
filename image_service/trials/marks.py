"""The mark of a trial, ``X-Figueira-Trial: TRIAL.EXPIRES.SIGNATURE``, decided purely.

TRIAL is the gateway's name for it, EXPIRES seconds since 1970, SIGNATURE the HMAC-SHA256 of both
under the secret that the gateway and this service share, in URL-safe base64 without padding. A
request that carries a mark which is not believed is refused: to take it for a customer's order
could buy what nobody ordered.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

HEADER = "x-figueira-trial"
# So that a signature made with the same secret for something else is none of these.
_PURPOSE = b"figueira trial 1\0"
_FORM = re.compile(r"([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})")


class MarkError(Exception):
    """The mark is not believed; why is for the log, and not told to whoever sent it."""


def write_mark(trial: str, *, expires_s: int, secret: str) -> str:
    """Sign a mark; ``expires_s`` is the first moment at which it is not believed any more."""
    signed = f"{trial}.{expires_s}"
    return f"{signed}.{_sign(signed, secret)}"


def read_mark(values: list[str], *, secret: str | None, now: float) -> str | None:
    """Return the trial that a request belongs to; None when it carries no mark.

    The signature is looked at before the time: whoever cannot sign learns nothing.

    Raises:
        MarkError: The mark is malformed, forged or too old, or no secret is set.
    """
    if not values:
        return None
    if secret is None:
        raise MarkError("IMAGE_GATEWAY_SECRET is not set")
    found = _FORM.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise MarkError("it is malformed")
    signed = values[0].rpartition(".")[0]
    if not hmac.compare_digest(_sign(signed, secret), found[3]):
        raise MarkError("its signature is wrong")
    if now >= int(found[2]):
        raise MarkError("it has expired")
    return found[1]


def _sign(signed: str, secret: str) -> str:
    digest = hmac.digest(secret.encode(), _PURPOSE + signed.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
