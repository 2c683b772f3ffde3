"""What the operator chose about orders: queue, budgets, patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from image_service.digits import read_decimal, read_whole
from image_service.errors import StartupError
from image_service.jobs.admission import Room
from image_service.ledger.budgets import Budgets, PeriodName
from image_service.ledger.prices import MICRO

DispatcherName = Literal["auto", "table", "pgqueuer"]
T = TypeVar("T", bound=str)

_DISPATCHERS: tuple[DispatcherName, ...] = ("auto", "table", "pgqueuer")
_PERIODS: tuple[PeriodName, ...] = ("month", "day")
# What a process can count through in some milliseconds for each group of new orders.
_MOST_QUEUED = 1_000_000
_LONGEST_S = 7 * 24 * 3600.0
_LEAST_SECRET = 32
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Checked.

    Attributes:
        room: How many orders may wait.
        lease_s: After so long without a sign of life a worker's jobs are taken over.
        attempts: How many calls a job may take that buy nothing.
        deadline_s: When an order expires that does not say itself; None for never.
        compat_wait_s: See ``ordering.Manners``.
        joins_running: See ``ordering.Manners``.
        budgets: Who may spend how much.
        price_file: None for the package's own.
        dispatcher: Who hands jobs to workers; ``auto`` is PgQueuer on PostgreSQL, if installed.
        queue_url: The SQS queue that jobs are announced by, on Lambda; None for no such thing.
        gateway_secret: What trials are signed with; None believes none.
        trials_ask_provider: Whether trials are painted by who paints for customers, because a
            gateway answers its calls from the record.
        has_worker: Whether the serving process makes pictures itself.
        keep_s: How long finished jobs are kept, at least as long as an Idempotency-Key.
    """

    room: Room
    lease_s: float
    attempts: int
    deadline_s: float | None
    compat_wait_s: float | None
    joins_running: bool
    budgets: Budgets
    price_file: Path | None
    dispatcher: DispatcherName
    queue_url: str | None
    gateway_secret: str | None = field(repr=False)
    trials_ask_provider: bool
    has_worker: bool
    keep_s: float


def read_job_settings(environ: Mapping[str, str]) -> JobSettings:
    """Read every setting.

    Raises:
        StartupError: For the first variable whose value cannot be used.
    """
    prices = environ.get("IMAGE_PRICES")
    return JobSettings(
        room=Room(
            total=_whole(environ, "IMAGE_QUEUE_LIMIT", 10_000, _MOST_QUEUED),
            per_customer=_whole(environ, "IMAGE_CUSTOMER_QUEUE_LIMIT", 1_000, _MOST_QUEUED),
        ),
        lease_s=_number(environ, "IMAGE_LEASE_S", 15, (1, 3600)),
        attempts=_whole(environ, "IMAGE_ATTEMPTS", 3, 20),
        deadline_s=_maybe(environ, "IMAGE_JOB_DEADLINE_S", (1, _LONGEST_S)),
        compat_wait_s=_maybe(environ, "IMAGE_COMPAT_WAIT_S", (0, 600)),
        joins_running=_choice(environ, "IMAGE_IDEMPOTENCY_RUNNING", ("refuse", "join")) == "join",
        budgets=Budgets(
            customer=_dollars(environ, "IMAGE_CUSTOMER_BUDGET_USD"),
            everybody=_dollars(environ, "IMAGE_BUDGET_USD"),
            period=_choice(environ, "IMAGE_BUDGET_PERIOD", _PERIODS),
        ),
        price_file=Path(prices) if prices else None,
        dispatcher=_choice(environ, "IMAGE_DISPATCHER", _DISPATCHERS),
        queue_url=environ.get("IMAGE_QUEUE_URL") or None,
        gateway_secret=_secret(environ, "IMAGE_GATEWAY_SECRET"),
        trials_ask_provider=_trials_ask_provider(environ),
        has_worker=_choice(environ, "IMAGE_WORKER", ("on", "off")) == "on",
        keep_s=3600 * _number(environ, "IMAGE_KEEP_JOBS_H", 72, (24, 24 * 365)),
    )


def _whole(environ: Mapping[str, str], variable: str, default: int, most: int) -> int:
    text = environ.get(variable)
    if not text:
        return default
    value = read_whole(text)
    if value is None or not 1 <= value <= most:
        raise StartupError(
            where=variable,
            why=f"{_shown(text)} is not a whole number from 1 to {most}",
            remedy=f"set such a number, or unset it for {default}",
        )
    return value


def _number(
    environ: Mapping[str, str], variable: str, default: float, limits: tuple[float, float]
) -> float:
    value = _maybe(environ, variable, limits)
    return default if value is None else value


def _maybe(environ: Mapping[str, str], variable: str, limits: tuple[float, float]) -> float | None:
    text = environ.get(variable)
    if not text:
        return None
    low, high = limits
    value = read_decimal(text)
    if not low <= value <= high:
        raise StartupError(
            where=variable,
            why=f"{_shown(text)} is not a number from {low:g} to {high:g}",
            remedy="set such a number, or unset it",
        )
    return value


def _dollars(environ: Mapping[str, str], variable: str) -> int | None:
    value = _maybe(environ, variable, (0, 1_000_000_000))
    return None if value is None else round(value * MICRO)


def _choice(environ: Mapping[str, str], variable: str, choices: tuple[T, ...]) -> T:
    text = environ.get(variable) or choices[0]
    for choice in choices:
        if text == choice:
            return choice
    raise StartupError(
        where=variable,
        why=f"{_shown(text)} is unknown",
        remedy=f"set {' or '.join(choices)}, or unset it for {choices[0]}",
    )


def _trials_ask_provider(environ: Mapping[str, str]) -> bool:
    is_wanted = _choice(environ, "IMAGE_TRIALS", ("renderer", "provider")) == "provider"
    if is_wanted and not environ.get("OPENAI_BASE_URL"):
        raise StartupError(
            where="IMAGE_TRIALS",
            why="provider would have OpenAI itself asked, and every trial paid for",
            remedy="set OPENAI_BASE_URL to the gateway's egress listener, or IMAGE_TRIALS=renderer",
        )
    return is_wanted


def _secret(environ: Mapping[str, str], variable: str) -> str | None:
    text = environ.get(variable)
    if text and len(text) < _LEAST_SECRET:
        raise StartupError(
            where=variable,
            why=f"it has {len(text)} characters, which can be guessed",
            remedy=f"set at least {_LEAST_SECRET} random ones, the same as the gateway's",
        )
    return text or None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
