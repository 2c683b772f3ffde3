"""The one way to start a task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.telemetry.events import Event, write_event

_running: set[asyncio.Task[None]] = set()
_log = logging.getLogger("figueira")


class Running:
    """A task under way; it need not be looked at again."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def cancel(self) -> None:
        """End the work at its next await."""
        self._task.cancel()

    def when_ended(self, call: Callable[[Running], object]) -> None:
        """Call back once the work has ended, however it does."""
        self._task.add_done_callback(lambda _: call(self))

    async def ended(self) -> None:
        """Wait until the work has ended, however it does."""
        await asyncio.wait([self._task])


def spawn(work: Coroutine[Any, Any, None], name: str) -> Running:
    """Run `work` beside the caller, hold it until it ends, and log what it did not expect."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return Running(task)


def _ended(task: asyncio.Task[None]) -> None:
    _running.discard(task)
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("%s", write_event(Event.TASK_FAILED, task=task.get_name()), exc_info=fault)
