"""The provider that paints here, in a thread, and can stand in for a slow and failing one."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio import CapacityLimiter, to_thread
from PIL import Image

from image_service.contract import Order
from image_service.errors import ModerationError, UnavailableError
from image_service.providers.hands import cores
from image_service.providers.port import Call, Deliver, Painted, Partial
from image_service.providers.procedural import render

# How coarse the pictures on the way are: one in so many pixels.
_COARSENESS = (32, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How the renderer behaves besides painting; by default as well as it can.

    Attributes:
        delay_s: How long an order takes before it is painted.
        jitter: By which part of itself the delay varies to both sides, 0..1.
        fail_rate: Which part of all orders fails, 0..1; nothing is ever bought here.
        moderation_words: Words, in lower case, for which an order is refused.
    """

    delay_s: float = 0.0
    jitter: float = 0.0
    fail_rate: float = 0.0
    moderation_words: frozenset[str] = frozenset()


class LocalProvider:
    """Paints with the procedural renderer.

    The seed is always 0, as on the monolith: a picture follows from its prompt and size alone.

    Args:
        temper: How slow and how moody.
        draw: Numbers in [0, 1).
        hands: How many pictures are painted at once; the others wait for their turn, which are no
            more than there are orders under way. None takes as many as there are cores.
    """

    name = "procedural"

    def __init__(
        self, temper: Temper, *, draw: Callable[[], float], hands: int | None = None
    ) -> None:
        self._temper = temper
        self._draw = draw
        # More at once are no faster, and keep everybody else waiting for a core.
        self._hands = CapacityLimiter(hands or cores())

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Paint without holding up the event loop.

        Raises:
            ModerationError: One of the words is forbidden.
            UnavailableError: Chance wanted it so, or the deadline does not leave the time.
        """
        words = frozenset(re.findall(r"\w+", order.prompt.lower()))
        if words & self._temper.moderation_words:
            raise ModerationError("one of the words is forbidden", provider=self.name)
        delay_s = self._temper.delay_s * (1 + self._temper.jitter * (2 * self._draw() - 1))
        is_late = call.deadline_s is not None and delay_s > call.deadline_s
        if is_late or self._draw() < self._temper.fail_rate:
            await anyio.sleep(min(delay_s, call.deadline_s or delay_s))
            reason = "the deadline comes first" if is_late else "it fails on purpose"
            raise UnavailableError(reason, outcome="not_bought", provider=self.name)
        if call.on_partial is None:
            await anyio.sleep(delay_s)
            content = await self._rendered(order)
        else:
            content = await self._rendered(order)
            await self._show(content, delay_s, call.on_partial)
        return Painted(content=content, provider=self.name)

    async def close(self) -> None:
        """Nothing is held."""

    async def _rendered(self, order: Order) -> bytes:
        work = functools.partial(render, order.prompt, order.size.width, order.size.height)
        return await to_thread.run_sync(work, limiter=self._hands)

    async def _show(self, content: bytes, delay_s: float, deliver: Deliver) -> None:
        """Spend the delay on pictures that become clearer."""
        for index, coarseness in enumerate(_COARSENESS):
            await anyio.sleep(delay_s / (len(_COARSENESS) + 1))
            coarse = await to_thread.run_sync(_coarse, content, coarseness, limiter=self._hands)
            await deliver(Partial(index=index, content=coarse))
        await anyio.sleep(delay_s / (len(_COARSENESS) + 1))


def _coarse(content: bytes, coarseness: int) -> bytes:
    """Return the picture as a mosaic, of the same size."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        small = picture.resize(
            (max(1, picture.width // coarseness), max(1, picture.height // coarseness)),
            Image.Resampling.BOX,
        )
        small.resize(picture.size, Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()
