"""Sees when a file's content changes, however it is changed.

Editors replace a file by renaming another over it, ConfigMaps swap a symlink beside it: whoever
watches the file itself goes blind at the first. So the folder is watched, the content is compared,
and once a second the file is looked at anyway (a link's target may lie in another folder).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

_STEP_MS = 10
"""Between looks at the operating system's events: a tenth of what a flip may take."""
_DEBOUNCE_MS = 40
"""How long events are gathered: an editor's write-and-rename is one change."""
_LOOK_ANYWAY_MS = 1000


async def changes(path: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """Yield whenever the file may have changed, and about once a second; end when `stop` is set."""
    while not stop.is_set():
        try:
            async for _ in awatch(
                path.parent,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=stop,
                rust_timeout=_LOOK_ANYWAY_MS,
                yield_on_timeout=True,
                recursive=False,
            ):
                yield
        except (FileNotFoundError, RuntimeError):
            # The folder itself is gone; it may come back.
            yield
            await asyncio.sleep(_LOOK_ANYWAY_MS / 1000)
