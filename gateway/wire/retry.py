"""When a request may be sent a second time."""

from __future__ import annotations

from gateway.wire.inbound import Body, Inbound

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


def may_retry(method: bytes, body: Body, *, reused: bool, answered: bool, attempts: int) -> bool:
    """Whether nothing can have happened twice at the same backend (RFC 9110, section 9.2.2).

    Args:
        method: As received.
        body: Only a request without one can be repeated: nothing of it has been kept.
        reused: Whether the connection had served before: then the backend may have closed it for
            idleness just as the request left.
        answered: Whether any byte of an answer had come.
        attempts: How often the request was sent already.
    """
    return reused and not answered and attempts == 1 and body is Body.NONE and method in _SAFE


def may_ask_again(inbound: Inbound) -> bool:
    """Whether another backend may be asked as well, where that is declared.

    Nothing of a body has been kept, a tunnel cannot have two ends, and a Host that was made up for
    the first backend (HTTP/1.0) is not the second's.
    """
    is_bodyless = inbound.body is Body.NONE and inbound.upgrade is None
    return is_bodyless and inbound.method in _SAFE and inbound.host is not None
