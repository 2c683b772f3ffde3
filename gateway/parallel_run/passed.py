"""A call to a collaborator that passed, what came of it, and what it is told by."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.parallel_run.compare.calls import Call
from gateway.parallel_run.compare.json_values import canonical
from gateway.wire.messages import Header

_TRACE_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a collaborator answered, as it came."""

    status: int = 0
    """0: there was no answer, the connection was cut."""
    headers: tuple[Header, ...] = ()
    body: bytes = field(default=b"", repr=False)
    is_cut: bool = False
    """Whether it broke off behind `body`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Passed:
    """A call that was sent on."""

    side: str
    trace: str
    """32 hexadecimal digits; empty: the call carried none."""
    call: Call = field(repr=False)
    key: bytes = field(repr=False)
    began_at_s: float
    reply: Reply | None = None
    """None while it is under way."""
    ended_at_s: float | None = None
    fits: set[str] = field(default_factory=set)
    """Trials within whose control's exchange it was made."""
    claimed_by: set[str] = field(default_factory=set)

    @property
    def size_bytes(self) -> int:
        """What keeping it takes."""
        return len(self.call.body) + len(self.key) + (len(self.reply.body) if self.reply else 0)


def key_of(call: Call) -> bytes:
    """The canonical request: equal for calls that ask for the same."""
    try:
        return canonical(call.document())
    except (RecursionError, ValueError, TypeError):
        return b"\0".join([call.method.encode(), call.target.encode(), call.body])


def trace_of(traceparent: str) -> str:
    """The trace id of a ``traceparent`` value (W3C Trace Context, 3.2); empty if malformed."""
    parts = traceparent.strip().split("-")
    is_trace = len(parts) >= 4 and len(parts[1]) == _TRACE_DIGITS  # noqa: PLR2004 - version to flags
    return parts[1] if is_trace and not parts[1].strip("0123456789abcdef") else ""
