"""Jobs in the database: what ``states`` decides is read, decided and written in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, String, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import insert

from image_service.jobs.dispatch import Dispatcher, Ticket
from image_service.jobs.entries import Entry, life_of, read_entry, select_entries
from image_service.jobs.rows import AttemptRow, EventRow, JobRow
from image_service.jobs.states import Attempt, Job, State
from image_service.ledger.accounts import Movement, move
from image_service.models import ImageRow
from image_service.providers.usage import Usage

_STATUS_OF_IMAGE = {State.SUCCEEDED: "pronta"}
_UPDATE_JOB = (
    update(JobRow)
    .where(JobRow.id == bindparam("job_id"))
    .values({name: bindparam(f"new_{name}") for name in life_of(Job(job_id=""))})
)


def _kept_if_empty(name: str, column: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """Whoever takes a dead worker's job over does not know whom that one had asked."""
    return func.coalesce(func.nullif(bindparam(name, type_=String), ""), column)


_UPDATE_ATTEMPT = (
    update(AttemptRow)
    .where(AttemptRow.job_id == bindparam("of_job"), AttemptRow.number == bindparam("of_number"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in [
                "state",
                "cost",
                "failure",
                "settled_at",
                "input_text_tokens",
                "input_image_tokens",
                "output_tokens",
            ]
        }
        | {"provider": _kept_if_empty("new_provider", AttemptRow.provider)}
    )
)
_UPDATE_IMAGE = (
    update(ImageRow)
    .where(ImageRow.id == bindparam("of_image"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ["status", "sha256", "original_sha256", "failure", "finished_at"]
        }
        | {"provider": _kept_if_empty("new_provider", ImageRow.provider)}
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is written beside a change.

    Attributes:
        provider: Who was asked, or painted; empty when that is not known here.
        usage: What the call used; None when nobody said.
        original_sha256: What the provider sent, where the picture was made from it.
        kind: The kind of the event; None follows from the state.
        data: Further members of the event.
        shown_sha256: The picture on the way that the event tells of; None when it tells of none.
    """

    provider: str
    usage: Usage | None = None
    original_sha256: str | None = None
    kind: str | None = None
    data: dict[str, object] = field(default_factory=dict)
    shown_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job before and after."""

    before: Entry
    after: Job
    note: Note


Decide = Callable[[Job], Job]


async def read_one(connection: AsyncConnection, job_id: str, *, to_change: bool) -> Entry | None:
    """Read a job; ``to_change`` lets no other transaction change it until this one ends."""
    statement = select_entries().where(JobRow.id == job_id)
    if to_change:
        statement = statement.with_for_update(of=JobRow)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else read_entry(row)


class Journal:
    """Writes changes, with everything that follows from them."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    async def change(
        self, connection: AsyncConnection, job_id: str, decide: Decide, note: Note, *, now: float
    ) -> Entry | None:
        """Change one job; None when there is none. What ``decide`` raises undoes nothing else."""
        before = await read_one(connection, job_id, to_change=True)
        if before is None:
            return None
        change = Change(before=before, after=decide(before.job), note=note)
        [after] = await self.write(connection, [change], now=now)
        return after

    async def write(
        self, connection: AsyncConnection, changes: Sequence[Change], *, now: float
    ) -> list[Entry]:
        """Write several changes and return the jobs as they are then."""
        changes = await _without_deleted(connection, changes)
        changed = [change for change in changes if change.after != change.before.job]
        if changed:
            await connection.execute(
                _UPDATE_JOB,
                [
                    {"job_id": change.after.job_id}
                    | {f"new_{name}": value for name, value in life_of(change.after).items()}
                    for change in changed
                ],
            )
            await _write_attempts(connection, changed, now)
            await _write_events(connection, changed)
            await _write_images(connection, changed)
            await move(connection, [_movement(change) for change in changed])
            await self.dispatcher.enqueue(connection, _tickets(changed, now))
        return [replace(change.before, job=change.after) for change in changes]


async def _without_deleted(
    connection: AsyncConnection, changes: Sequence[Change]
) -> Sequence[Change]:
    """Let a picture whose image was deleted meanwhile count as canceled."""
    wanted = [
        change.before.image_id
        for change in changes
        if change.after.state is State.SUCCEEDED and change.before.image_id is not None
    ]
    if not wanted:
        return changes
    there = set(await connection.scalars(select(ImageRow.id).where(ImageRow.id.in_(wanted))))
    return [
        replace(change, after=replace(change.after, state=State.CANCELED, failure="gone"))
        if change.before.image_id in wanted and change.before.image_id not in there
        else change
        for change in changes
    ]


async def _write_attempts(
    connection: AsyncConnection, changes: Sequence[Change], now: float
) -> None:
    begun, settled = [], []
    for change in changes:
        attempt, before = change.after.attempt, change.before.job.attempt
        if attempt is None or attempt == before:
            continue
        if before is None or attempt.number != before.number:
            begun.append(_new_attempt(change, attempt, now))
        else:
            settled.append(_settled_attempt(change, attempt, now))
    if begun:
        await connection.execute(insert(AttemptRow), begun)
    if settled:
        await connection.execute(_UPDATE_ATTEMPT, settled)


def _new_attempt(change: Change, attempt: Attempt, now: float) -> dict[str, object]:
    return {
        "job_id": change.after.job_id,
        "number": attempt.number,
        "customer": change.before.customer,
        "provider": change.note.provider,
        "state": attempt.state,
        "reserved": attempt.reserved,
        "cost": attempt.cost,
        "started_at": now,
    }


def _settled_attempt(change: Change, attempt: Attempt, now: float) -> dict[str, object]:
    usage = change.note.usage
    return {
        "of_job": change.after.job_id,
        "of_number": attempt.number,
        "new_state": attempt.state,
        "new_cost": attempt.cost,
        "new_failure": attempt.failure,
        "new_provider": change.note.provider,
        "new_settled_at": now,
        "new_input_text_tokens": None if usage is None else usage.input_text_tokens,
        "new_input_image_tokens": None if usage is None else usage.input_image_tokens,
        "new_output_tokens": None if usage is None else usage.output_tokens,
    }


async def _write_events(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    events = []
    for change in changes:
        job = change.after
        if job.version == change.before.job.version:
            continue
        said = {
            "status": str(job.state),
            "progress": job.progress,
            "attempts": job.attempts,
            "code": job.failure,
        }
        events.append(
            {
                "job_id": job.job_id,
                "number": job.version,
                "kind": change.note.kind or ("completed" if job.is_final else "status"),
                "data": json.dumps(said | change.note.data),
                "sha256": change.note.shown_sha256,
            }
        )
    if events:
        await connection.execute(insert(EventRow), events)


async def _write_images(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    ended = [
        {
            "of_image": change.before.image_id,
            "new_status": _STATUS_OF_IMAGE.get(change.after.state, "falhou"),
            "new_sha256": change.after.sha256,
            "new_original_sha256": change.note.original_sha256,
            "new_failure": change.after.failure,
            "new_provider": change.after.painted_by or change.note.provider[:64],
            "new_finished_at": change.after.finished_at,
        }
        for change in changes
        if change.after.is_final
        and not change.before.job.is_final
        and change.before.image_id is not None
    ]
    if ended:
        await connection.execute(_UPDATE_IMAGE, ended)


def _movement(change: Change) -> Movement:
    before, after = change.before.job, change.after
    return Movement(
        period=change.before.period,
        customer=change.before.customer,
        reserved=after.reserved - before.reserved,
        spent=after.cost - before.cost,
    )


def _tickets(changes: Sequence[Change], now: float) -> list[Ticket]:
    return [
        Ticket(
            job_id=change.after.job_id,
            priority=change.before.priority,
            rank=change.before.rank,
            wait_s=max(change.after.available_at - now, 0.0),
        )
        for change in changes
        if change.after.state is State.QUEUED and change.before.job.state is State.RUNNING
    ]
