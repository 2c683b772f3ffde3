"""The feed's port: ``/changes`` and what belongs to it.

It is for programs of the operator's own. Nothing of it is on the customers' port.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import anyio
import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from legacy_stub.feed import cursor as cursors
from legacy_stub.feed.asking import (
    LINES,
    Refusal,
    acknowledged,
    asked_after,
    check_sender,
    choose_media_type,
    digits,
    read_body,
    reader_name,
    whole_number,
)
from legacy_stub.feed.cursor import Cursor
from legacy_stub.feed.errors import GoneError, PictureGoneError, TooManyReadersError
from legacy_stub.feed.events import Page
from legacy_stub.feed.pictures import Pictures
from legacy_stub.feed.readers import Readers
from legacy_stub.feed.reading import Reader

MOST_EVENTS, USUAL_EVENTS = 1000, 100
LONGEST_WAIT_S = 60
LOOK_EVERY_S = 0.1  # while a reader waits: a look is one query of microseconds
THREADS = 4  # and database connections: answers being made at the same time

log = logging.getLogger("legacy_stub.feed")
T = TypeVar("T")


class Changes:
    """The handlers.

    Args:
        reader: Reads events.
        readers: Keeps who has read how far.
        pictures: Reads pictures.
        stopping: Says whether the process is about to end: then nobody waits any longer.
    """

    def __init__(
        self,
        reader: Reader,
        readers: Readers,
        pictures: Pictures,
        stopping: Callable[[], bool],
    ) -> None:
        self._reader = reader
        self._readers = readers
        self._pictures = pictures
        self._stopping = stopping
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        """The paths."""
        return [
            Route("/changes", _answer(self.changes)),
            Route("/changes/status", _answer(self.status)),
            Route("/changes/images/{id}/file", _answer(self.file)),
            Route("/changes/readers", _answer(self.readers)),
            Route("/changes/readers/{name}", _answer(self.acknowledge), methods=["POST"]),
            Route("/changes/readers/{name}", _answer(self.forget), methods=["DELETE"]),
        ]

    async def changes(self, request: Request) -> Response:
        """Answer what follows a cursor, as soon as there is something or the wait is over."""
        after = asked_after(request)
        limit = whole_number(request, "limit", USUAL_EVENTS, range(1, MOST_EVENTS + 1))
        wait_s = whole_number(request, "wait", 0, range(LONGEST_WAIT_S + 1))
        media_type = choose_media_type(request.headers.get("accept", ""))
        page = await self._await_page(request, after, limit, wait_s)
        body = await self._in_thread(lambda: _body(page, media_type))
        return Response(body, headers=_headers(page), media_type=media_type)

    async def status(self, _request: Request) -> Response:
        """Answer how far the feed goes, and who has read how far."""
        now = await self._in_thread(self._reader.standing)
        held_back = await self._in_thread(self._reader.held_back)
        readers = await self._in_thread(self._readers.all)
        return JSONResponse(
            {
                "feed": now.feed,
                "since": now.since,
                "oldest": now.floor,
                "last": now.last,
                "held_back": held_back,
                "readers": [{**asdict(one), "behind": now.last - one.position} for one in readers],
            }
        )

    async def readers(self, _request: Request) -> Response:
        """Answer the readers with a name."""
        readers = await self._in_thread(self._readers.all)
        return JSONResponse([asdict(reader) for reader in readers])

    async def acknowledge(self, request: Request) -> Response:
        """Note what a reader has taken in."""
        name = reader_name(request)
        after = acknowledged(await read_body(request))
        reader = await self._in_thread(lambda: self._readers.acknowledge(name, after))
        return JSONResponse(asdict(reader))

    async def forget(self, request: Request) -> Response:
        """Keep nothing for a reader any more."""
        name = reader_name(request)
        if not await self._in_thread(lambda: self._readers.forget(name)):
            raise Refusal(404, "no_reader", f"there is no reader {name}")
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        """Answer a picture's bytes: the version asked for, or whichever there is."""
        image_id = digits(request.path_params["id"])
        if image_id is None:
            raise Refusal(404, "no_image", "an image's id is a whole number")
        version = None
        if "version" in request.query_params:
            version = whole_number(request, "version", 0, range(cursors.LARGEST))
        picture = await self._in_thread(lambda: self._pictures.version(image_id, version))
        if picture is None:
            raise Refusal(404, "no_picture", f"image {image_id} has no picture")
        headers = {"ETag": f'"{picture.sha256}"', "Picture-Version": str(picture.version)}
        return Response(picture.png, headers=headers, media_type="image/png")

    async def _await_page(
        self, request: Request, after: Cursor | None, limit: int, wait_s: int
    ) -> Page:
        deadline_s = time.monotonic() + wait_s
        page = await self._in_thread(lambda: self._reader.page(after, limit))
        while not page.events and time.monotonic() < deadline_s and not self._stopping():
            await anyio.sleep(LOOK_EVERY_S)
            if await request.is_disconnected():
                break
            page = await self._in_thread(lambda: self._reader.page(after, limit))
        return page

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def create_app(changes: Changes, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The port's application."""
    made = Starlette(
        routes=changes.routes(),
        lifespan=lifespan,
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    made.router.redirect_slashes = False  # to whatever name the request gives
    return made


Handler = Callable[[Request], Awaitable[Response]]


def _answer(handler: Handler) -> Handler:
    """A handler whose failures are answers as well."""

    async def answer(request: Request) -> Response:
        try:
            check_sender(request)
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except GoneError as error:
            return Refusal(
                410,
                error.reason,
                f"{error.detail}. Begin again with after=0, and drop what it does not bring",
                feed=error.feed,
            ).response()
        except PictureGoneError as error:
            detail = "the image has another picture now, or none; a later event tells"
            return Refusal(410, "another_picture", detail, version=error.version).response()
        except TooManyReadersError as error:
            detail = f"there are {error.most} readers already; forget one with DELETE"
            return Refusal(409, "too_many_readers", detail).response()
        except SQLAlchemyError:
            log.exception("the change feed cannot be read")
            return Refusal(503, "database", "the database cannot be read now").response()

    return answer


def _body(page: Page, media_type: str) -> bytes:
    events = [event.as_json() for event in page.events]
    if media_type == LINES:
        return "".join(f"{_text(event)}\n" for event in events).encode()
    whole = {
        "feed": page.feed,
        "cursor": str(page.cursor),
        "position": page.cursor.position,
        "more": page.has_more,
        "snapshot": page.cursor.row is not None,
        "last": page.last,
        "oldest": page.oldest,
        "events": events,
    }
    return f"{_text(whole)}\n".encode()


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _headers(page: Page) -> dict[str, str]:
    """Where reader and feed stand: lines of JSON have no other place for it."""
    return {
        "Feed-Id": page.feed,
        "Feed-Cursor": str(page.cursor),
        "Feed-More": "true" if page.has_more else "false",
        "Feed-Last": str(page.last),
        "Cache-Control": "no-store",
    }


async def _not_found(_request: Request, _error: Exception) -> Response:
    return Refusal(404, "path", "there are /changes and what its documentation names").response()


async def _not_allowed(request: Request, _error: Exception) -> Response:
    return Refusal(405, "method", f"not {request.method} here").response()
