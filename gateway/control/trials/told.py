"""What a candidate says of itself, asked now and then: its build, how far its backfill is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from gateway.json_path import JsonPath
from gateway.parallel_run.observation import Answer

GOOD_S = 2.0
"""For so long an answer is good: every trial may want to know."""
LONGEST_BUILD = 100
"""Characters, as of a header that names one."""

_MOST_BYTES = 64 * 1024
"""Of an answer that says so little; it is read between trials."""
Ask = Callable[[str], Awaitable[Answer | None]]
"""Asks the candidate for a path."""


class Told:
    """The newest answers of one candidate, by path; it goes on through reloads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Answer | None]] = {}
        self._turn = asyncio.Lock()

    async def answer(self, path: str, ask: Ask, *, good_s: float = GOOD_S) -> Answer | None:
        """What was said there, not longer ago than `good_s`; None if there was no answer."""
        async with self._turn:
            at_s, found = self._known.get(path, (-GOOD_S, None))
            now_s = time.monotonic()
            if now_s - at_s >= good_s:
                found = await ask(path)
                if found is not None and len(found.body) > _MOST_BYTES:
                    found = None
                self._known[path] = now_s, found
            return found


def build_in(answer: Answer, path: str) -> str:
    """The build that a JSON answer names at a JSONPath; empty if it names none."""
    try:
        found = JsonPath(path).find(msgspec.json.decode(answer.body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    value = found[0] if len(found) == 1 else None
    is_name = isinstance(value, str | int) and not isinstance(value, bool)
    text = str(value).strip() if is_name else ""
    return text if text.isprintable() and len(text) <= LONGEST_BUILD else ""
