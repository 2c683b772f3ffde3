"""A picture that shows itself while it is made, as server-sent events.

The head is held back for a while: an order that fails at once is answered with its own status.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from image_service.blobs import BlobStore
from image_service.errors import BadPictureError, MissingBlobError
from image_service.openai_api.answering import event, shape, usage_object
from image_service.openai_api.asking import Generation
from image_service.openai_api.encoding import Encodings
from image_service.openai_api.failing import NotMadeError, error_object
from image_service.openai_api.making import Ask, Made, Maker, Shown
from image_service.openai_api.writing import Part, event_parts, written
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

    def __init__(
        self,
        *,
        maker: Maker,
        blobs: BlobStore,
        encodings: Encodings,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._maker = maker
        self._blobs = blobs
        self._encodings = encodings
        self._tasks = tasks
        self._clock = clock

    async def answer(self, asked: Generation, ask: Ask) -> Response:
        """Order a picture and answer with what comes.

        Raises:
            NotMadeError: It failed before anything came.
        """
        # Names alone: no more than those of the partial pictures and the end are ever in it.
        queue: asyncio.Queue[Shown | _End] = asyncio.Queue()
        wanted = dataclasses.replace(ask, on_partial=queue.put if asked.partials else None)
        # Nobody waits for it but through the queue.
        _making = self._tasks.spawn(
            self._make(wanted, queue), name="openai-stream", is_of_request=True
        )
        first: Shown | _End | None = None
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

    async def _make(self, ask: Ask, queue: asyncio.Queue[Shown | _End]) -> None:
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
        first: Shown | _End | None,
        queue: asyncio.Queue[Shown | _End],
    ) -> AsyncIterator[bytes]:
        item = first
        while True:
            match item:
                case None:
                    yield _HEARTBEAT
                case Shown(index=index) if index < asked.partials:
                    async with aclosing(self._sent(await self._partial(asked, item))) as pieces:
                        async for piece in pieces:
                            yield piece
                case _End(result=Made() as made):
                    async with aclosing(self._sent(await self._completed(asked, made))) as pieces:
                        async for piece in pieces:
                            yield piece
                    return
                case _End(result=NotMadeError() as failure):
                    yield event("error", {"error": error_object(failure)})
                    return
                case _:
                    pass
            item = await _next(queue)

    def _sent(self, parts: list[Part]) -> AsyncGenerator[bytes, None]:
        return written(self._blobs, parts)

    async def _partial(self, asked: Generation, shown: Shown) -> list[Part]:
        """Return a picture on the way; nothing where there is none: the order goes on."""
        try:
            held = await self._encodings.partial(shown.sha256, asked)
        except (BadPictureError, MissingBlobError, OSError) as error:
            _LOG.warning("partial_refused index=%d reason=%r", shown.index, str(error))
            return []
        said = {"partial_image_index": shown.index} | self._said(asked)
        return event_parts("image_generation.partial_image", said, held)

    async def _completed(self, asked: Generation, made: Made) -> list[Part]:
        try:
            held = await self._encodings.final(made.sha256, asked)
        except (MissingBlobError, OSError) as error:
            _LOG.error("stream_failed error=%s", error)
            failure = NotMadeError("internal", outcome="unknown")
            return [event("error", {"error": error_object(failure)})]
        said = self._said(asked) | {"usage": usage_object(made.usage)}
        return event_parts("image_generation.completed", said, held)

    def _said(self, asked: Generation) -> dict[str, object]:
        return {
            "created_at": int(self._clock()),
            "quality": asked.order.quality,
            **shape(asked),
        }


async def _next(queue: asyncio.Queue[Shown | _End]) -> Shown | _End | None:
    """Return what comes next; None when nothing comes for a while."""
    try:
        async with asyncio.timeout(_HEARTBEAT_S):
            return await queue.get()
    except TimeoutError:
        return None
