"""When a request may be sent a second time to the same backend."""

from __future__ import annotations

from gateway.wire.inbound import Body

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


def may_retry(method: bytes, body: Body, *, reused: bool, answered: bool, attempts: int) -> bool:
    """Whether nothing can have happened twice (RFC 9110, section 9.2.2).

    Args:
        method: As received.
        body: Only a request without one can be repeated: nothing of it has been kept.
        reused: Whether the connection had served before: then the backend may have closed it for
            idleness just as the request left.
        answered: Whether any byte of an answer had come.
        attempts: How often the request was sent already.
    """
    return reused and not answered and attempts == 1 and body is Body.NONE and method in _SAFE
