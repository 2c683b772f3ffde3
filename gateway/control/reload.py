"""Takes in routes.yaml: validates, numbers, hands on; a bad file changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.config import codec, load
from gateway.control.file import read_config
from gateway.control.messages import Accepted
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.routing.snapshot import Snapshot

HISTORY_PATIENCE_S = 2.0
"""A flip at three in the morning does not wait longer for a database that hangs."""


class History(Protocol):
    """Where revisions are numbered and kept: `gateway.state.revisions.Revisions`."""

    async def accept(self, digest: str, text: bytes, at: datetime) -> int:
        """Keep a revision and return its number."""


@dataclass(frozen=True, slots=True)
class Current:
    """What serves now."""

    accepted: Accepted
    snapshot: Snapshot
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last look at a changed file."""

    at: datetime
    problems: tuple[Problem, ...]
    """Empty if the file was accepted."""


class Reloader:
    """The file's last accepted content, and what became of its later ones."""

    def __init__(
        self,
        path: Path,
        history: History,
        environment: Mapping[str, str],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self.path = path
        self._history = history
        self._environment = environment
        self._wall_clock = wall_clock
        self._seen = ""
        """Digest (or error) of the file as last looked at."""
        self._lock = asyncio.Lock()
        self.current: Current | None = None
        self.last: Attempt | None = None
        self.failures = 0
        self.history_fault = ""
        """Why the last revision could not be kept; empty if it was."""

    def resume(self, accepted: Accepted) -> None:
        """Go on from what the workers already route by (control was replaced)."""
        snapshot = codec.decode(accepted.snapshot)
        self.current = Current(accepted, snapshot, self._wall_clock())

    async def look(self, *, force: bool = False) -> Current | None:
        """Read the file; return what was newly accepted, or None if nothing changes.

        Args:
            force: Whether an unchanged file is validated again (SIGHUP), so that a problem
                outside it that was mended (a missing variable) is noticed.
        """
        async with self._lock:
            seen = ""
            try:
                text = read_config(self.path)
                seen = hashlib.sha256(text).hexdigest()
                if seen == self._seen and not force:
                    return None
                snapshot = await asyncio.to_thread(load, text, self._environment)
            except ConfigError as error:
                self._reject(seen or str(error), error.problems)
                return None
            return await self._accept(text, snapshot)

    def _reject(self, seen: str, problems: tuple[Problem, ...]) -> None:
        if seen != self._seen:
            self._seen = seen
            self.failures += 1
            self.last = Attempt(self._wall_clock(), problems)

    async def _accept(self, text: bytes, snapshot: Snapshot) -> Current | None:
        self._seen = snapshot.digest
        at = self._wall_clock()
        self.last = Attempt(at, ())
        if self.current is not None and self.current.snapshot == snapshot:
            return None
        number = await self._number(snapshot.digest, text, at)
        self.current = Current(Accepted(number, codec.encode(snapshot)), snapshot, at)
        return self.current

    async def _number(self, digest: str, text: bytes, at: datetime) -> int:
        """Keep the revision; if that fails once something serves, go on without its history."""
        try:
            async with asyncio.timeout(HISTORY_PATIENCE_S):
                number = await self._history.accept(digest, text, at)
        except (GatewayError, TimeoutError) as error:
            if self.current is None:
                raise
            self.history_fault = str(error) or f"no answer in {HISTORY_PATIENCE_S:g} s"
            return self.current.accepted.revision + 1
        self.history_fault = ""
        return number


def read_environment() -> Mapping[str, str]:
    """What ``${VAR}`` in routes.yaml stands for."""
    return dict(os.environ)
