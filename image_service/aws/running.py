"""One event loop for the life of a Lambda process, with the service open in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, TypeVar

T = TypeVar("T")


class Opened(Generic[T]):
    """Opens something at the first event and keeps it for those that follow.

    If opening fails the event fails, and the next one tries again. It is never closed: Lambda
    freezes the process after each event and ends it without a word.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = opening
        self._stack = AsyncExitStack()
        self._kept: list[T] = []

    def get(self) -> T:
        """Return it, opened."""
        if not self._kept:
            opened = loop().run_until_complete(self._stack.enter_async_context(self._opening()))
            self._kept.append(opened)
        return self._kept[0]


_LOOPS: list[asyncio.AbstractEventLoop] = []


def loop() -> asyncio.AbstractEventLoop:
    """Return the process's one loop: connections of one loop cannot be used in another."""
    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
    # Mangum asks the thread for its loop.
    asyncio.set_event_loop(_LOOPS[0])
    return _LOOPS[0]
