"""The provider that buys pictures from OpenAI, or from whoever speaks its API.

Importing this module imports the SDK, which takes more than a second: only the assembly does so,
and only when this provider is chosen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypedDict

import httpx2
import openai
from openai import BaseModel
from openai.types import ImageGenStreamEvent

from image_service import errors
from image_service.contract import Order, Quality
from image_service.json_text import read_json
from image_service.ledger.prices import PARTIALS
from image_service.providers.catalogue import size_to_order
from image_service.providers.openai_faults import Fault
from image_service.providers.openai_mapping import failure, mapping
from image_service.providers.openai_reading import decoded, field, first_picture, usage_of
from image_service.providers.openai_wire import CURRENT_DEPARTURE, Departure, open_client
from image_service.providers.port import Call, Painted, Partial
from image_service.providers.repeating import pause_s

_LOG = logging.getLogger("image_service.providers.openai")

# The slowest models take about two minutes; half again as much is a call that hangs.
TIMEOUT_S = 180.0
_AFTERWARDS = (
    *(openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError),
    *(OSError, RuntimeError, ValueError),
)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose money is spent, and where.

    Attributes:
        api_key: The key; never logged.
        base_url: None for OpenAI itself.
        timeout_s: How long a call may take when its caller sets no shorter deadline.
    """

    api_key: str = dataclasses.field(repr=False)
    base_url: str | None
    timeout_s: float = TIMEOUT_S


class OpenAIProvider:
    """Orders each picture once, and again only where nothing can have been bought.

    Args:
        model: The model that is asked for.
        account: Whose key.
        draw: Numbers in [0, 1), to spread repetitions.
    """

    def __init__(self, *, model: str, account: Account, draw: Callable[[], float]) -> None:
        self.name = f"openai/{model}"
        self._model = model
        self._timeout_s = account.timeout_s
        self._draw = draw
        # The SDK would repeat a timed-out order on its own, and send no key that tells them apart.
        self._client = openai.AsyncOpenAI(
            api_key=account.api_key,
            base_url=account.base_url,
            max_retries=0,
            http_client=open_client(account.timeout_s),
        )

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Order one PNG; a size that the model does not make is refused before anything is sent.

        Raises:
            PictureError: By the table of ``openai_faults``.
        """
        loop = asyncio.get_running_loop()
        given_s = self._timeout_s if call.deadline_s is None else call.deadline_s
        ends_at = loop.time() + min(given_s, self._timeout_s)
        calls = 1
        while True:
            try:
                return await self._paint_once(order, call, ends_at)
            except errors.PictureError as error:
                error.provider = self.name
                left_s = ends_at - loop.time()
                wait_s = pause_s(error, calls=calls, left_s=left_s, draw=self._draw())
                if wait_s is None:
                    raise
                _LOG.warning(
                    "provider_repeats name=%s kind=%s wait_s=%.2f", self.name, error.kind, wait_s
                )
            calls += 1
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _paint_once(self, order: Order, call: Call, ends_at: float) -> Painted:
        departure = Departure()
        token = CURRENT_DEPARTURE.set(departure)
        try:
            async with asyncio.timeout_at(ends_at):
                return await (self._buy if call.on_partial is None else self._stream)(order, call)
        except TimeoutError as error:
            late = Fault(stage="waiting" if departure.is_sent else "connecting", is_timeout=True)
            raise failure(late, "the deadline") from error
        finally:
            CURRENT_DEPARTURE.reset(token)

    async def _buy(self, order: Order, call: Call) -> Painted:
        """Order a picture that comes in one piece."""
        request = _request(self._model, order, call)
        with mapping("waiting"):
            answer: object = await self._client.images.generate(**request)
        return self._finished(answer, first_picture(answer))

    async def _stream(self, order: Order, call: Call) -> Painted:
        """Order a picture that shows itself while it is painted."""
        request = _request(self._model, order, call)
        with mapping("waiting"):
            events = await self._client.images.generate(
                **request, stream=True, partial_images=PARTIALS
            )
        with mapping("streaming"):
            try:
                return await self._follow(events, call)
            finally:
                await _finish(events)

    async def _follow(self, events: openai.AsyncStream[ImageGenStreamEvent], call: Call) -> Painted:
        if not events.response.headers.get("content-type", "").startswith("text/event-stream"):
            # Some who speak this API do not stream, and answer as if nobody had asked for it.
            answer = read_json(await events.response.aread())
            return self._finished(answer, first_picture(answer))
        index = 0
        while (event := await anext(events, None)) is not None:
            kind = field(event, "type")
            if kind == "image_generation.completed":
                return self._finished(event, field(event, "b64_json"))
            # Whatever else a later version of the API may send is passed over.
            if kind == "image_generation.partial_image":
                index += await _deliver(index, field(event, "b64_json"), call)
        raise failure(Fault(stage="streaming"), "the stream ended before the picture")

    def _finished(self, answer: object, encoded: object) -> Painted:
        """Take the picture out of a complete answer; a 200 that is not JSON arrives as a str."""
        usage = usage_of(answer)
        try:
            content = decoded(encoded)
        except errors.BadPictureError as error:
            is_from_api = isinstance(answer, BaseModel | dict)
            bad = failure(Fault(stage="answered", is_from_api=is_from_api), error.reason)
            bad.usage = usage
            raise bad from error
        return Painted(content=content, provider=self.name, usage=usage)


class _Request(TypedDict):
    model: str
    prompt: str
    size: str
    quality: Quality
    n: int
    output_format: Literal["png"]
    safety_identifier: str | openai.Omit
    extra_headers: dict[str, str]


def _request(model: str, order: Order, call: Call) -> _Request:
    """Say what is ordered.

    Raises:
        RejectedError: The model does not make this size; nothing is sent.
    """
    size = size_to_order(order.size)
    if size is None:
        raise errors.RejectedError(f"{model} makes no picture that becomes {order.size}")
    traceparent = call.traceparent or ""
    is_trace = _TRACEPARENT.fullmatch(traceparent) is not None
    return _Request(
        model=model,
        prompt=order.prompt,
        size=str(size),
        quality=order.quality,
        n=1,
        output_format="png",
        safety_identifier=call.safety_identifier or openai.omit,
        extra_headers={"traceparent": traceparent} if is_trace else {},
    )


async def _finish(events: openai.AsyncStream[ImageGenStreamEvent]) -> None:
    """Close a stream, and let the SDK's generators within each other run to their ends.

    They do not close one another: collected together as garbage, half way, they are closed all at
    once, and get in each other's way.
    """
    # What goes wrong here is no fault of a picture that has come.
    with suppress(*_AFTERWARDS):
        await events.close()
    with suppress(*_AFTERWARDS):
        while await anext(events, None) is not None:
            pass


async def _deliver(index: int, encoded: object, call: Call) -> int:
    """Hand a partial picture on; return how many were: one that is none does no harm."""
    try:
        partial = Partial(index=index, content=decoded(encoded))
    except errors.BadPictureError as error:
        _LOG.warning("partial_refused index=%d reason=%r", index, error.reason)
        return 0
    if call.on_partial is not None:
        await call.on_partial(partial)
    return 1
