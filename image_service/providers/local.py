"""The provider that paints here, in a thread."""

from __future__ import annotations

import anyio
from anyio import to_thread

from image_service.contract import Order
from image_service.providers.port import Call, Painted
from image_service.providers.procedural import render


class LocalProvider:
    """Paints with the procedural renderer after waiting ``delay_s`` seconds.

    The seed is always 0, as on the monolith: a picture follows from its prompt and size alone.
    """

    name = "procedural"

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Paint without holding up the event loop."""
        del call
        await anyio.sleep(self._delay_s)
        content = await to_thread.run_sync(
            render, order.prompt, order.size.width, order.size.height
        )
        return Painted(content=content, provider=self.name)

    async def close(self) -> None:
        """Nothing is held."""
