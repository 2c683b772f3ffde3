"""How far the import is, for who asks over HTTP: a parallel run, and people.

The path is none of ``/images``: the gateway's routes lead customers there, and the monolith answers
all of it. Here only those who reach the service itself ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from image_service.backfill.landing import Landing
from image_service.backfill.progress import Progress, complete_up_to
from image_service.legacy_style import json_response
from image_service.resource import Resource

PATH = "/backfill/watermark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where the import stands at one moment.

    Attributes:
        progress: What is on record; None when nothing was ever imported.
        image_id: Every image up to this id is here as it is to stay; 0: not known of any.
        now: Seconds since 1970.
    """

    progress: Progress | None
    image_id: int
    now: float

    def as_json(self) -> dict[str, object]:
        """Return what a parallel run is answered."""
        progress = self.progress or Progress()
        return {
            "id": self.image_id,
            "feed": progress.feed or None,
            "position": progress.position,
            "last": progress.last,
            "events_behind": progress.behind,
            "newest_event_at": _time(progress.newest_at),
            "as_of": _time(progress.as_of),
            "lag_s": _rounded(progress.lag_s(self.now)),
            "complete": progress.is_complete,
        }


class Watermark:
    """Answers where the import stands."""

    def __init__(self, landing: Landing, clock: Callable[[], float]) -> None:
        self._landing = landing
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the path."""
        return [Route(PATH, Resource({"GET": self.show}))]

    async def show(self, _request: Request, _image_id: int | None) -> Response:
        """Answer the mark; no cache may keep it."""
        response = json_response((await self.read()).as_json())
        response.headers["Cache-Control"] = "no-store"
        return response

    async def read(self) -> Mark:
        """Read the mark."""
        now = self._clock()
        progress = await self._landing.load()
        image_id = 0
        if progress is not None and progress.is_complete:
            pending = await self._landing.newest_pending()
            image_id = complete_up_to(progress, pending, now=now)
        return Mark(progress=progress, image_id=image_id, now=now)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
