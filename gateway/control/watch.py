"""Sees when a file's content changes, however it is changed.

Editors replace a file by renaming another over it, ConfigMaps swap a symlink beside it: whoever
watches the file itself goes blind at the first. So the folder is watched, the content is compared,
and once a second the file is looked at anyway (a link's target may lie in another folder, and the
system may have no watch to give).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from watchfiles import Change, awatch

_STEP_MS = 10
"""Between looks at the operating system's events: a tenth of what a flip may take."""
_DEBOUNCE_MS = 40
"""How long events are gathered: an editor's write-and-rename is one change."""
_LOOK_ANYWAY_MS = 1000


async def changes(path: Path, stop: asyncio.Event) -> AsyncGenerator[None, None]:
    """Yield whenever the file may have changed, and about once a second; end when `stop` is set."""
    while not stop.is_set():
        try:
            async with contextlib.aclosing(_changes_in(path.parent, stop)) as found:
                async for _ in found:
                    yield
        except (OSError, RuntimeError):
            # The folder is gone, or the system's watches are used up; either may pass.
            await _pause(stop)
        yield


async def _changes_in(folder: Path, stop: asyncio.Event) -> AsyncGenerator[None, None]:
    """As `changes`, until the path leads to another folder than the one that is being watched."""
    watched = _identity(folder)
    events = awatch(
        folder,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_LOOK_ANYWAY_MS,
        yield_on_timeout=True,
        recursive=False,
    )
    async with contextlib.aclosing(events):
        async for found in events:
            # A new folder may have the number of the one removed just before.
            if (Change.deleted, str(folder)) in found or _identity(folder) != watched:
                return
            yield


def _identity(folder: Path) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_ANYWAY_MS / 1000):
            await stop.wait()
