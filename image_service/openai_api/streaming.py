"""A picture that shows itself while it is made, as server-sent events.

The head is held back for a while: an order that fails at once is answered with its own status.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from anyio import to_thread
from starlette.responses import Response, StreamingResponse

from image_service.errors import BadPictureError
from image_service.openai_api.answering import encoded, event, shape, usage_object
from image_service.openai_api.asking import Generation
from image_service.openai_api.failing import NotMadeError, error_object
from image_service.openai_api.making import Ask, Made, Maker
from image_service.pictures import in_format, normalised
from image_service.providers.port import Partial
from image_service.tasks import Tasks

_LOG = logging.getLogger("image_service.openai_api")

# Whoever stands between gives up on a head after half a minute or more.
_HEAD_PATIENCE_S = 10.0
# And on a silent body after a minute or more.
_HEARTBEAT_S = 15.0
_HEARTBEAT = b": the picture is being made\n\n"


@dataclass(frozen=True, slots=True)
class _End:
    """The order is over: with a picture, or with the reason why not."""

    result: Made | NotMadeError


class Streaming:
    """Answers with events; an order goes on though its client leave."""

    def __init__(self, *, maker: Maker, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._maker = maker
        self._tasks = tasks
        self._clock = clock

    async def answer(self, asked: Generation, ask: Ask) -> Response:
        """Order a picture and answer with what comes.

        Raises:
            NotMadeError: It failed before anything came.
        """
        # No more than the partial pictures and the end are ever in it.
        queue: asyncio.Queue[Partial | _End] = asyncio.Queue()
        wanted = dataclasses.replace(ask, on_partial=queue.put if asked.partials else None)
        # Nobody waits for it but through the queue.
        _making = self._tasks.spawn(self._make(wanted, queue), name="openai-stream")
        first: Partial | _End | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_HEAD_PATIENCE_S):
                first = await queue.get()
        match first:
            case _End(result=NotMadeError() as failure):
                raise failure
            case _:
                return StreamingResponse(
                    self._events(asked, first, queue),
                    media_type="text/event-stream",
                    headers={"Cache-Control": "no-store"},
                )

    async def _make(self, ask: Ask, queue: asyncio.Queue[Partial | _End]) -> None:
        try:
            await queue.put(_End(await self._maker.make(ask)))
        except NotMadeError as failure:
            await queue.put(_End(failure))
        except BaseException as error:
            # The root of the task: whoever waits for the end gets one.
            await queue.put(_End(NotMadeError("internal", outcome="unknown")))
            if isinstance(error, Exception):
                _LOG.exception("stream_failed")
                return
            raise

    async def _events(
        self,
        asked: Generation,
        first: Partial | _End | None,
        queue: asyncio.Queue[Partial | _End],
    ) -> AsyncIterator[bytes]:
        item = first
        while True:
            match item:
                case None:
                    yield _HEARTBEAT
                case Partial(index=index) if index < asked.partials:
                    if piece := await self._partial(asked, item):
                        yield piece
                case _End(result=Made() as made):
                    yield await self._completed(asked, made)
                    return
                case _End(result=NotMadeError() as failure):
                    yield event("error", {"error": error_object(failure)})
                    return
                case _:
                    pass
            item = await _next(queue)

    async def _partial(self, asked: Generation, partial: Partial) -> bytes:
        try:
            png = await to_thread.run_sync(normalised, partial.content, asked.order.size)
        except BadPictureError as error:
            _LOG.warning("partial_refused index=%d reason=%r", partial.index, error.reason)
            return b""
        fields = {"partial_image_index": partial.index} | await self._fields(asked, png)
        return event("image_generation.partial_image", fields)

    async def _completed(self, asked: Generation, made: Made) -> bytes:
        fields = await self._fields(asked, made.content)
        return event("image_generation.completed", fields | {"usage": usage_object(made.usage)})

    async def _fields(self, asked: Generation, png: bytes) -> dict[str, object]:
        content = await to_thread.run_sync(in_format, png, asked.output_format, asked.compression)
        return {
            "b64_json": await to_thread.run_sync(encoded, content),
            "created_at": int(self._clock()),
            "quality": asked.order.quality,
            **shape(asked),
        }


async def _next(queue: asyncio.Queue[Partial | _End]) -> Partial | _End | None:
    """Return what comes next; None when nothing comes for a while."""
    try:
        async with asyncio.timeout(_HEARTBEAT_S):
            return await queue.get()
    except TimeoutError:
        return None
