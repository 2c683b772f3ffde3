"""Work that outlives the request that began it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import TypeVar

from image_service import request_ids

T = TypeVar("T")


class Tasks:
    """Owns the running tasks: keeps a reference to each, and ends them at shutdown."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def spawn(
        self, work: Coroutine[object, object, T], name: str, *, is_of_request: bool = False
    ) -> asyncio.Task[T]:
        """Start ``work``; the caller may await the task or leave it.

        What it logs is of the request that began it only if ``is_of_request``: most work is
        shared with others.
        """
        context = copy_context()
        if not is_of_request:
            context.run(request_ids.CURRENT.set, "")
        task = asyncio.create_task(  # noqa: TID251 - the package's one spawn
            work, name=name, context=context
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def drain(self, grace_s: float) -> None:
        """Wait for running work; after ``grace_s`` seconds cancel what is left."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
