"""What the admin port shows, as plain data, and the port through which it is asked for.

The field names are the keys of ``/api/status``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.errors import Problem
from gateway.routing.snapshot import Snapshot
from gateway.telemetry.counters import Counters


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """The routes.yaml that serves."""

    number: int
    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""
    accepted_at: datetime


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The file, and how the newest try to use it went."""

    path: str
    ok: bool
    """Whether the newest try succeeded; if not, an older revision serves."""
    problems: tuple[Problem, ...] = ()
    """Of the newest try; empty if it succeeded."""
    last_try_at: datetime | None = None
    """None before the first try: what serves came from the database."""
    failures: int = 0
    """Tries that failed since control started."""


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A process that serves customers."""

    index: int
    """From 0; a worker that is replaced keeps its index."""
    pid: int | None
    """None while it is not running."""
    alive: bool
    revision: int
    """The revision it decides by; 0 before it has one."""
    restarts: int


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The process that answers here."""

    pid: int


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route and where its new work goes."""

    name: str
    backends: dict[str, float]
    """Backend -> percent; a single backend has 100."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    version: str
    """Figueira's own."""
    revision: Revision | None
    """None before the first routes.yaml was accepted."""
    config: Config
    workers: tuple[Worker, ...]
    control: Control
    routes: tuple[Route, ...]
    """In file order."""
    draining: bool
    """Whether a stop has been asked for: customers' open requests are being finished."""
    uptime_s: float


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A condition worth an operator's look."""

    name: str
    """One word, or two joined by a colon: ``backend:legacy``."""
    ok: bool
    detail: str = ""
    """Why it is not; one sentence."""


class AdminView(Protocol):
    """What must be behind the admin port. Asking changes nothing."""

    def status(self) -> Status:
        """Everything now."""

    def checks(self) -> Sequence[Check]:
        """What ``/readyz?verbose`` lists beside its own conditions: the file, each backend.

        They inform and never decide: a dead backend or a bad routes.yaml must not take the whole
        gateway out of service.
        """

    def snapshot(self) -> Snapshot | None:
        """What requests are decided by, without backends and secrets.

        None before the first routes.yaml was accepted.
        """

    def counters(self) -> Counters:
        """The sum of all workers' counters, those of dead workers included."""
