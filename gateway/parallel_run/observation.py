"""What was asked, and what one side did: the material of a trial."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.wire.messages import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as the control got it."""

    method: bytes
    target: bytes
    """In origin form, with its query, undecoded."""
    headers: tuple[Header, ...]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer, its transfer coding removed and its content coding not."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = field(default=b"", repr=False)
    reason: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a side did."""

    backend: str
    began_at_s: float
    """Seconds since 1970, UTC."""
    duration_s: float
    """From the request's last byte sent to the answer's last byte."""
    first_byte_s: float | None = None
    answer: Answer | None = None
    """None: there was none, or it was cut."""
    failure: str = ""
    """``stage:cause:source`` where there is no answer; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One request put through a parallel run, the control's part done."""

    trial_id: str
    """32 hexadecimal digits, its own: several requests may share a trace."""
    trace_id: str
    """Of the customer's request, which both sides are asked within; 32 hexadecimal digits."""
    run: str
    route: str
    revision: int
    asked: Asked
    control: Observation
    is_reversed: bool = False
    """Whether the customer got the candidate's answer, and `control` is asked afterwards."""
