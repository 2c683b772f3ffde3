"""Every error the gateway raises on purpose.

GatewayError
├── ConfigError            routes.yaml cannot be used; carries every Problem found
├── StartError             a process cannot start: one line for the operator
└── UpstreamError          a backend did not answer; carries stage, source, cause and detail
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal


class GatewayError(Exception):
    """Root of the gateway's own errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with routes.yaml, said so that an operator can mend it."""

    severity: ClassVar[Literal["error", "warning"]] = "error"

    line: int | None
    """1-based; None where the problem has no place (an unreadable file)."""
    column: int | None
    """1-based."""
    path: str
    """Where in the document, as ``routes[1].split``; empty for the whole file."""
    message: str
    """What is wrong, showing the offending value, and why."""
    hint: str = ""
    """What to do, e.g. ``did you mean "weight"?``; may be empty."""

    def describe(self, file: str) -> str:
        """One line: ``file:line:column: error: path: message (hint)``."""
        place = f"{file}:{self.line}:{self.column}" if self.line is not None else file
        where = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.severity}: {where}{self.message}{hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution(Problem):
    """A problem that keeps no file from being used."""

    severity: ClassVar[Literal["error", "warning"]] = "warning"


class ConfigError(GatewayError):
    """routes.yaml cannot be used; `problems` is never empty and in file order."""

    def __init__(self, problems: Sequence[Problem], file: str = "routes.yaml") -> None:
        super().__init__(problems, file)
        self.problems = tuple(problems)
        self.file = file
        """What the text calls the file."""

    def __str__(self) -> str:
        return "\n".join(problem.describe(self.file) for problem in self.problems)


class StartError(GatewayError):
    """A process cannot start. The message is one line: what, where, why, what to do."""


class Stage(Enum):
    """How far an exchange with a backend had come when it failed."""

    QUEUE = "queue"
    CONNECT = "connect"
    SEND_BODY = "send_body"
    READ_HEAD = "read_head"
    READ_BODY = "read_body"
    TUNNEL = "tunnel"
    """The two ends had gone on in another protocol."""


class Source(Enum):
    """Whose doing a failure is."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    INTERNAL = "internal"


class Cause(Enum):
    """What happened, as far as it decides the customer's answer."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    PROTOCOL = "protocol"
    OVERLOAD = "overload"


class UpstreamError(GatewayError):
    """A backend did not give a usable answer."""

    def __init__(self, stage: Stage, source: Source, cause: Cause, detail: str = "") -> None:
        super().__init__(stage, source, cause, detail)
        self.stage = stage
        self.source = source
        self.cause = cause
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.cause.value} at {self.stage.value} ({self.source.value}): {self.detail}"

    @property
    def status(self) -> int:
        """The customer's answer (RFC 9110, section 15.6).

        503 there is no room, 408 the customer is too slow, 504 the backend is, 500 the gateway
        itself failed, else 502.
        """
        if self.cause is Cause.OVERLOAD:
            return 503
        if self.source is Source.INTERNAL:
            return 500
        if self.cause is not Cause.TIMEOUT:
            return 502
        return 408 if self.source is Source.DOWNSTREAM else 504


def write_failure(stage: Stage, cause: Cause, source: Source) -> str:
    """A failure as access lines and metrics have it, e.g. ``connect:refused:upstream``."""
    return f"{stage.value}:{cause.value}:{source.value}"
