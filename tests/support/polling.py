"""Waiting for what another process does: looked at often, given up after a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.support.processes import PATIENCE_S

_PAUSE_S = 0.005
"""Between two looks: short beside what is measured by them, the time that a flip takes."""

Found = TypeVar("Found")


def eventually(
    look: Callable[[], Found | None], what: str, *, patience_s: float = PATIENCE_S
) -> Found:
    """Look until something true is found, and return it.

    Raises:
        AssertionError: Not within `patience_s`; tells `what` was waited for and the last look.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {patience_s:g} s: {what}; last seen: {found!r}")
        time.sleep(_PAUSE_S)
