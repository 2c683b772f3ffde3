"""Server-sent events of a job (HTML, section 9.2): what happened, from any point on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

from image_service.jobs.documents import Pause, document, said_of
from image_service.jobs.entries import Entry
from image_service.jobs.reading import Reading
from image_service.jobs.watch import Watch

# Proxies end connections that are silent for half a minute.
_HEARTBEAT_S = 15.0
# How soon a client comes back whose stream broke.
_RETRY_MS = 2000
# Versions are small; anything longer is none of ours.
_LONGEST_ID = 9
# A job's first event has no row: it follows from the job itself.
_FIRST = 1


def frame(number: int, kind: str, data: str) -> bytes:
    """Write one event; ``data`` is a single line."""
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


def read_last_id(value: str | None) -> int:
    """Read ``Last-Event-ID``: the number of the last event seen; 0 for none, or for nonsense."""
    if value is None or len(value) > _LONGEST_ID or not (value.isascii() and value.isdigit()):
        return 0
    return int(value)


class Stream:
    """Tells of jobs as they change."""

    def __init__(
        self,
        *,
        reading: Reading,
        watch: Watch,
        pause: Callable[[Entry], Pause | None],
        heartbeat_s: float = _HEARTBEAT_S,
    ) -> None:
        self._pause = pause
        self._reading = reading
        self._watch = watch
        self._heartbeat_s = heartbeat_s

    async def follow(self, entry: Entry, after: int) -> AsyncIterator[bytes]:
        """Yield the events after the given one, until the job is finished or the service stops."""
        job_id = entry.job.job_id
        yield f"retry: {_RETRY_MS}\n\n".encode()
        if after < _FIRST:
            after = _FIRST
            yield frame(_FIRST, "status", '{"status": "queued", "progress": 0.0, "attempts": 0}')
        told: Pause | None = None
        while True:
            events = await self._reading.events(job_id, after=after)
            for event in events:
                after = event.number
                if event.kind != "completed":
                    yield frame(event.number, event.kind, event.data)
                    continue
                finished = await self._reading.job(job_id)
                if finished is not None:
                    said = json.dumps(document(finished, position=None))
                    yield frame(event.number, event.kind, said)
                return
            if self._watch.is_closed:
                return
            pause = await self._paused(job_id)
            if pause != told:
                told = pause
                yield _notice(pause)
            if not events:
                await self._watch.changed(job_id, after=after, timeout_s=self._heartbeat_s)
                yield b": still here\n\n"

    async def _paused(self, job_id: str) -> Pause | None:
        """Return why the job is not begun; looks it up anew, as its line may have moved."""
        entry = await self._reading.job(job_id)
        return None if entry is None else self._pause(entry)


def _notice(pause: Pause | None) -> bytes:
    """Tell why a job waits; without an id, as nothing has happened to it."""
    said = {"status": "queued" if pause else None} | said_of(pause)
    return f"event: waiting\ndata: {json.dumps(said)}\n\n".encode()
