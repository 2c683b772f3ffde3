"""What the admin port shows, as plain data, and the port through which it is asked for.

The field names are the keys of ``/api/status``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

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
    connections: int = 0
    """From customers, open now."""
    connections_limit: int = 0
    """That may be; more wait, once all workers have theirs."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The process that answers here."""

    pid: int
    restarts: int = 0
    uptime_s: float = 0.0
    """Its own."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What customers are shown over TLS."""

    names: tuple[str, ...]
    not_after: datetime
    sha256: str
    """Of the certificate's DER form, hexadecimal."""
    problem: str
    """Why the newest files cannot be used; empty if they serve."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route and where its new work goes."""

    name: str
    backends: dict[str, float]
    """Backend -> percent; a single backend has 100."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One address of a backend."""

    address: str
    """As in a URL."""
    ejected_by: int = 0
    """Workers that leave it out now, as requests to it fail; the only one is used all the same."""
    failures: int = 0
    """In a row, since the last answer; the worst of the workers."""
    idle: int = 0
    """Connections that wait for a request, of all workers."""
    in_use: int = 0
    """Connections that serve one."""
    probe: Literal["", "well", "ill"] = ""
    """What probes say; empty if there are none, or nothing is known yet."""
    probe_detail: str = ""
    """What the last probe came to."""
    probe_since: datetime | None = None
    """Since when probes say so."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """A backend and how it is."""

    name: str
    service: dict[str, int]
    """How far it is in service, and why not -> workers that say so: ``in``, ``trial:breaker``,
    ``out:probes``."""
    addresses: tuple[Address, ...]
    """In file order."""
    connections: int = 0
    """Open now, idle ones included."""
    breaker_opened: int = 0
    """Times that a worker's breaker has opened since the start."""
    in_flight: int = 0
    """Requests under way now, those that wait included."""
    fallback: str = ""
    """Who is asked when it is unavailable."""


class ParallelRun(msgspec.Struct, frozen=True, kw_only=True):
    """The balance sheet of a parallel run: classes and `pending` sum to `eligible`."""

    name: str
    eligible: int
    """Requests that the control has answered, since the gateway began."""
    pending: int
    """Those of them whose trial is still under way."""
    classes: dict[str, int]
    """What became of the others; zeros as well."""


class TrialBodies(msgspec.Struct, frozen=True, kw_only=True):
    """Where bodies of trials are: large ones on the disk, those of trials under way in memory."""

    spooled_bytes: int
    spool_limit_bytes: int
    memory_bytes: int
    """Given to trials under way."""
    memory_limit_bytes: int
    refused: dict[str, int]
    """Why bodies could not be kept -> how many, since control started: ``full``, ``slow`` (the disk
    does not keep up), ``disk`` (it takes nothing)."""


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
    backends: tuple[Backend, ...]
    """In file order."""
    draining: bool
    """Whether a stop has been asked for: customers' open requests are being finished."""
    uptime_s: float
    """The gateway's, however often its parts were replaced."""
    certificate: Certificate | None = None
    """None for plain HTTP."""
    parallel_runs: tuple[ParallelRun, ...] = ()
    """In file order; those that only an earlier revision had stand behind."""
    trial_bodies: TrialBodies | None = None
    """None where there is no parallel run."""


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
