"""What is known of a request while it is served, and all that is left of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.proxy.lanes import AnyLane
    from gateway.proxy.ports import Connection
    from gateway.proxy.upload import Upload
    from gateway.routing.decide import Forward
    from gateway.wire.forwarded import Peer
    from gateway.wire.inbound import Inbound

CLIENT_GONE = 499
"""Access lines and counters only: the customer left before the answer was complete."""
CUT_UNANSWERED = 503
"""Access lines and counters only: the gateway stopped before there was an answer."""


class Outcome:
    """For the recorder, and for what looks after timeouts; `Exchange` fills it.

    Times are monotonic seconds. One is made per request: there is no `__init__` of its own.
    """

    __slots__ = (
        "attempts",
        "bytes_in",
        "bytes_out",
        "connection",
        "decision",
        "detail",
        "ended_s",
        "error",
        "first_byte_s",
        "inbound",
        "is_answer_held",
        "is_over",
        "is_started",
        "lane",
        "method",
        "peer",
        "request_complete",
        "request_sent",
        "revision",
        "started_s",
        "status",
        "touched_s",
        "trace_id",
        "unread_bytes",
        "upload",
        "upstream",
    )

    inbound: Inbound
    peer: Peer
    method: bytes
    decision: Forward | None
    """None until there is one, and where there is none."""
    revision: int
    lane: AnyLane | None
    started_s: float
    touched_s: float
    """When something last moved."""
    first_byte_s: float | None
    ended_s: float
    is_started: bool
    is_over: bool
    attempts: int
    """How often a backend was asked."""
    connection: Connection | None
    """To the backend; None before there is one, and behind the answer."""
    upstream: str
    """The address that was asked last, as in a URL; empty if there was no connection."""
    upload: Upload | None
    """The request's body, as it comes; None if it has none, or has come with its head."""
    request_complete: bool
    """Whether all of it has come."""
    request_sent: bool
    """Whether all of it has gone to the backend."""
    is_answer_held: bool
    """Whether the answer waits for the customer to read."""
    unread_bytes: int
    """Of the answer, as its door last saw."""
    status: int
    """Of the answer; 0 until there is one."""
    error: str
    """Stage, cause and side of a failure; empty where nothing failed."""
    detail: str
    """The same in words; may be empty."""
    trace_id: bytes
    bytes_in: int
    bytes_out: int
