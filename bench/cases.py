"""The requests that are measured, and what one run of load is told."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
CUSTOMER_HEADER = "X-Customer-Id"
"""What the sticky split goes by; each connection is a customer of its own."""
SLOW = "slow"
"""Last segment of a target whose body the origin reads slowly."""
SLOW_BYTES_PER_S = 128 * MIB
"""Of a slow end: a gigabit's worth, a tenth of what a proxy passes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of request."""

    name: str
    """As on the command line."""
    label: str
    """As in tables."""
    method: str
    request_bytes: int
    answer_bytes: int
    requests: int
    """In one round, unless told otherwise: about half a second of a proxy's CPU."""
    has_id: bool = False
    """Whether each request has a field that no other has."""


CASES: tuple[Case, ...] = (
    Case(
        name="get-1k",
        label="GET 1 KiB",
        method="GET",
        request_bytes=0,
        answer_bytes=KIB,
        requests=20_000,
    ),
    Case(
        name="post-1k",
        label="POST 1 KiB",
        method="POST",
        request_bytes=KIB,
        answer_bytes=KIB,
        requests=20_000,
    ),
    Case(
        name="get-64k",
        label="GET 64 KiB",
        method="GET",
        request_bytes=0,
        answer_bytes=64 * KIB,
        requests=10_000,
    ),
    Case(
        name="get-10m",
        label="GET 10 MiB",
        method="GET",
        request_bytes=0,
        answer_bytes=10 * MIB,
        requests=200,
    ),
    Case(
        name="get-1k-id",
        label="GET 1 KiB, new id each",
        method="GET",
        request_bytes=0,
        answer_bytes=KIB,
        requests=20_000,
        has_id=True,
    ),
)
GET_1K = CASES[0]
NO_ID = b"0" * 32
"""Where the id of a request goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What the load generator does in one run."""

    port: int
    """Of 127.0.0.1."""
    method: str
    request_bytes: int
    answer_bytes: int
    requests: int
    """How many, at most."""
    seconds: float
    """How long, at most: a slow proxy gets fewer requests, not a longer night."""
    connections: int = 16
    routes: int = 100
    """Targets that are asked in turn, one for each route."""
    has_id: bool = False
    """Whether `NO_ID` is to be replaced in each request."""


def plan_of(case: Case, port: int, *, scale: float, seconds: float) -> LoadPlan:
    """The plan of one round; `scale` multiplies the case's number of requests."""
    return LoadPlan(
        port=port,
        method=case.method,
        request_bytes=case.request_bytes,
        answer_bytes=case.answer_bytes,
        requests=max(round(case.requests * scale), 1),
        seconds=seconds,
        has_id=case.has_id,
    )


def route_prefix(index: int) -> str:
    """The path prefix of a route, the same in every proxy's configuration."""
    return f"/service-{index:04d}"


def target(route: int, answer: int | str) -> str:
    """The target that makes the origin answer with so many bytes (or `SLOW`)."""
    return f"{route_prefix(route)}/items/{answer}"


def request_bytes(plan: LoadPlan, route: int, customer: int) -> bytes:
    """A whole request, as a modest client sends it."""
    lines = [
        f"{plan.method} {target(route, plan.answer_bytes)} HTTP/1.1",
        f"Host: 127.0.0.1:{plan.port}",
        "User-Agent: bench/1",
        "Accept: */*",
        f"{CUSTOMER_HEADER}: customer-{customer}",
    ]
    if plan.has_id:
        lines.append(f"X-Request-Id: {NO_ID.decode()}")
    if plan.method == "POST":
        lines += ["Content-Type: text/plain", f"Content-Length: {plan.request_bytes}"]
    return "\r\n".join([*lines, "", ""]).encode() + b"x" * plan.request_bytes
