"""What clients see of a job, decided purely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from image_service.contract import record
from image_service.jobs.entries import Entry
from image_service.jobs.states import State
from image_service.ledger.prices import MICRO
from image_service.problems import Problem

QUEUED = "queued"


def path_of(job_id: str) -> str:
    """Return where a job is asked for."""
    return f"/images/jobs/{job_id}"


def links_of(job_id: str) -> dict[str, str]:
    """Return what can be done with a job."""
    path = path_of(job_id)
    return {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"}


def new_document(job_id: str, image_id: int | None) -> dict[str, object]:
    """Describe a job that was taken a moment ago."""
    return {"id": job_id, "status": QUEUED, "image_id": image_id, "links": links_of(job_id)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A queued job is not begun at present, though nobody goes before it.

    Attributes:
        reason: ``provider-resting``: the provider fails and is left alone; ``retry``: this order's
            last call failed for a reason that passes.
        until: Before this moment it is not begun.
    """

    reason: Literal["provider-resting", "retry"]
    until: float

    def left_s(self, now: float) -> int:
        """Return how many seconds that is away, at least 1."""
        return max(math.ceil(self.until - now), 1)


def pause_of(entry: Entry, *, rests_until: float, now: float) -> Pause | None:
    """Return why a job is not begun; None when it is, or only waits for its turn."""
    if entry.job.state is not State.QUEUED:
        return None
    if rests_until > now:
        until = max(rests_until, entry.job.available_at)
        return Pause(reason="provider-resting", until=until)
    if entry.job.attempts and entry.job.available_at > now:
        return Pause(reason="retry", until=entry.job.available_at)
    return None


def said_of(pause: Pause | None) -> dict[str, object]:
    """Put into words why a job is not begun, and when it may be."""
    return {
        "reason": None if pause is None else pause.reason,
        "expected_at": None if pause is None else _moment(pause.until),
    }


def document(
    entry: Entry, *, position: int | None, pause: Pause | None = None
) -> dict[str, object]:
    """Describe a job.

    Args:
        entry: Which.
        position: How many go before it; None when it does not wait, or that is not looked up.
        pause: Why it is not begun; None for no such reason.
    """
    job = entry.job
    said: dict[str, object] = {
        "id": job.job_id,
        "status": str(job.state),
        "image_id": entry.image_id,
        "position": position,
        **said_of(pause),
        "progress": job.progress,
        "attempts": job.attempts,
        "cost_usd": job.cost / MICRO,
        "created_at": _moment(entry.created_at),
        "started_at": _moment(job.started_at),
        "finished_at": _moment(job.finished_at),
        "deadline": _moment(job.deadline_at),
        "cancel_requested": job.is_cancel_asked,
        "links": links_of(job.job_id),
    }
    if job.state is State.SUCCEEDED:
        said["result"] = result_of(entry)
    elif job.is_final:
        said["problem"] = problem_of(entry).document()
    return said


def image_of(entry: Entry) -> dict[str, object] | None:
    """Return the shop's record of the job's image; None when it has none."""
    if entry.image_id is None:
        return None
    state = entry.job.state
    status = "pronta" if state is State.SUCCEEDED else "falhou"
    if not entry.job.is_final:
        status = "pendente"
    return record(image_id=entry.image_id, order=entry.order, status=status)


def result_of(entry: Entry) -> dict[str, object]:
    """Describe the picture of a job that has succeeded."""
    sha256 = entry.job.sha256
    said: dict[str, object] = {
        "sha256": sha256,
        "blob": f"/images/blobs/{sha256}",
        "provider": entry.job.painted_by,
    }
    image = image_of(entry)
    return said if image is None else image | said


def problem_of(entry: Entry) -> Problem:
    """Say why a finished job has no picture."""
    job = entry.job
    more: dict[str, object] = {"job": path_of(job.job_id)}
    if entry.request_id is not None:
        more["request_id"] = entry.request_id
    attempt = job.attempt
    outcome = None if attempt is None or attempt.state == "calling" else attempt.state
    return Problem(
        code=job.failure or "internal",
        outcome=outcome,
        retry_after_s=None if job.retry_after_s is None else max(1, round(job.retry_after_s)),
        more=more,
    )


def etag_of(entry: Entry, position: int | None, pause: Pause | None = None) -> str:
    """Tag what ``document`` says: it changes with the version, the place in the queue, a pause."""
    place = "" if position is None else f".{position}"
    wait = "" if pause is None else f".{pause.until:.0f}"
    return f'"{entry.job.version}{place}{wait}"'


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
