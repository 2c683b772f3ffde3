"""Takes in routes.yaml: validates, numbers, hands on; a bad file changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.config import Deadline, codec
from gateway.control.authorities import CertificateFiles
from gateway.control.file import read_config
from gateway.control.loading import load_text, review_text
from gateway.control.messages import Accepted
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.routing.snapshot import Snapshot
from gateway.state.kept import UNKNOWN, Origin

HISTORY_PATIENCE_S = 2.0
"""A flip at three in the morning does not wait longer for a database that hangs."""
KEEP_AGAIN_AFTER_S = 10.0
"""Between tries to keep what a database refused: a flip meanwhile may have to wait for one."""
EXCUSED_S = 60.0
"""Between a command that forces a change and the file: milliseconds, unless somebody hesitates."""
ANNOUNCED_S = 60.0
"""Between what a verb announces and its file: milliseconds, unless it is stopped in between."""
_MAX_ANNOUNCED = 16
_MAX_UNKEPT = 16
"""Revisions of up to 1 MiB that wait for the database; flips during one outage are fewer."""


class NotYet(Exception):  # noqa: N818 - nothing is wrong
    """A change cannot be judged now; it is refused for the moment, and looked at again soon."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem
        """What is told meanwhile."""


Judge = Callable[[Snapshot, Snapshot], Awaitable[Problem | None]]
"""Given what serves and what is to serve: why that is too much of a change; None if it is not.

Raises `NotYet`."""


async def allow(old: Snapshot, new: Snapshot) -> Problem | None:  # noqa: ARG001 - whatever they are
    """Find nothing to be too much."""
    return None


class Keeper(Protocol):
    """Where revisions are numbered and kept: `gateway.control.history.History`."""

    async def accept(self, digest: str, text: bytes, at: datetime, origin: Origin) -> int:
        """Keep a revision and return its number; the same again if it is the one kept last."""


@dataclass(frozen=True, slots=True)
class Current:
    """What serves now."""

    accepted: Accepted
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last look at a changed file."""

    at: datetime
    problems: tuple[Problem, ...]
    """Empty if the file was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at the file came to; nothing, most times."""

    accepted: Current | None = None
    """What workers are to route by from now on."""
    problems: tuple[Problem, ...] = ()
    """Why a changed file is refused."""
    is_unchanged: bool = False
    """Whether a file that was looked at anew holds what serves already: it was mended, or somebody
    asked."""
    digest: str = ""
    """SHA-256 of the file that is refused; empty if it could not be read."""
    origin: Origin = UNKNOWN
    """Where the file that is refused comes from."""


@dataclass(frozen=True, slots=True)
class _Unkept:
    digest: str
    text: bytes
    at: datetime
    origin: Origin = UNKNOWN


class Reloader:
    """The file's last accepted content, and what became of its later ones."""

    def __init__(
        self,
        path: Path,
        keeper: Keeper,
        environment: Mapping[str, str],
        wall_clock: Callable[[], datetime],
        judge: Judge = allow,
    ) -> None:
        """Look at `path`.

        Args:
            path: routes.yaml.
            keeper: Numbers and keeps revisions.
            environment: What its ``${VAR}`` stand for.
            wall_clock: For people and records.
            judge: Says what is too much about a change.
        """
        self._judge = judge
        self.path = path
        self._keeper = keeper
        self._environment = environment
        self._wall_clock = wall_clock
        self._seen = ""
        """Digest (or error) of the file as last looked at."""
        self._postponed = ""
        """Digest of the file that could not be judged when it was looked at."""
        self._excused = "", 0.0
        """Digest of a file that is not to be judged, and until when."""
        self._announced: dict[str, tuple[float, Origin]] = {}
        """Digest -> until when, and by whom, a file of that content was said to come."""
        self._certificates = CertificateFiles(path.parent)
        self._lock = asyncio.Lock()
        self._unkept: deque[_Unkept] = deque(maxlen=_MAX_UNKEPT)
        self._keep_again_at_s = 0.0
        self._is_resumed = False
        self.deadlines: tuple[Deadline, ...] = ()
        """Of the rules in the file that was read last."""
        self.current: Current | None = None
        self.last: Attempt | None = None
        self.failures = 0
        self.history_fault = ""
        """Why the last revision could not be kept; empty if it was."""

    def resume(self, accepted: Accepted) -> None:
        """Go on from what the workers already route by (control was replaced)."""
        self.current = Current(accepted, codec.decode(accepted.snapshot))
        self._is_resumed = True

    @property
    def seen(self) -> str:
        """SHA-256 of the file as last looked at; empty if it could not be read."""
        return self._seen if len(self._seen) == hashlib.sha256().digest_size * 2 else ""

    def announce(self, digest: str, origin: Origin) -> None:
        """Hear who is about to write a file of this content, before it is there."""
        until_s = asyncio.get_running_loop().time() + ANNOUNCED_S
        self._announced.pop(digest, None)
        self._announced[digest] = (until_s, origin)
        while len(self._announced) > _MAX_ANNOUNCED:
            del self._announced[next(iter(self._announced))]

    def _origin_of(self, digest: str) -> Origin:
        until_s, origin = self._announced.pop(digest, (0.0, UNKNOWN))
        return origin if asyncio.get_running_loop().time() < until_s else UNKNOWN

    def compile(self, text: bytes) -> Snapshot:
        """Compile a text as if the file held it; changes nothing.

        Raises:
            ConfigError: It, or a file that it names, cannot be used.
        """
        return load_text(text, self._environment, CertificateFiles(self.path.parent))

    def excuse(self, digest: str) -> None:
        """Take in a file of this content whatever it moves: it is there, or will be soon."""
        self._excused = digest, asyncio.get_running_loop().time() + EXCUSED_S
        if self._seen == digest:
            # It may have been refused: the next look is to see it anew.
            self._seen = ""

    async def look(self, *, force: bool = False) -> Look:
        """Read the file and take in what changed.

        Args:
            force: Whether an unchanged file is validated again, and its problems are told again:
                somebody asks (SIGHUP).

        Raises:
            GatewayError: At the very first look: the revision cannot be kept.
        """
        async with self._lock:
            seen = ""
            try:
                text = read_config(self.path)
                seen = hashlib.sha256(text).hexdigest()
                # What it refers to may have changed while the file itself has not.
                force = force or self._certificates.have_changed()
                if seen == self._seen and not force:
                    return await self._keep_again()
                snapshot = await self._load(text)
                await self._judge_change(snapshot)
            except NotYet as error:
                return self._postpone(seen, error.problem)
            except ConfigError as error:
                return self._refuse(seen or str(error), error.problems, force=force)
            return await self._accept(text, snapshot)

    async def _load(self, text: bytes) -> Snapshot:
        """Compile the text in a thread: admin requests need not wait for a large file."""
        self._certificates = CertificateFiles(self.path.parent)
        reviewed = await asyncio.to_thread(review_text, text, self._environment, self._certificates)
        self.deadlines = reviewed.deadlines
        return reviewed.snapshot

    async def _judge_change(self, snapshot: Snapshot) -> None:
        """See that a change does not move too much, by the rules of what serves.

        Raises:
            ConfigError: It does.
            NotYet: Nobody can tell now.
        """
        current = self.current
        if current is None or current.snapshot.safety is None or current.snapshot == snapshot:
            return
        excused, until_s = self._excused
        if snapshot.digest == excused and asyncio.get_running_loop().time() < until_s:
            return
        problem = await self._judge(current.snapshot, snapshot)
        if problem is not None:
            raise ConfigError([problem])

    def _postpone(self, seen: str, problem: Problem) -> Look:
        """Refuse a file until it can be judged; each is told of once."""
        if self._postponed == seen:
            return Look()
        self._postponed = seen
        self.failures += 1
        self.last = Attempt(self._wall_clock(), (problem,))
        return Look(problems=(problem,), digest=seen)

    def _refuse(self, seen: str, problems: tuple[Problem, ...], *, force: bool) -> Look:
        if seen == self._seen and not force:
            return Look()
        self._seen = seen
        self.failures += 1
        self.last = Attempt(self._wall_clock(), problems)
        digest = self.seen
        return Look(problems=problems, digest=digest, origin=self._origin_of(digest))

    async def _accept(self, text: bytes, snapshot: Snapshot) -> Look:
        self._seen = snapshot.digest
        self.last = Attempt(self._wall_clock(), ())
        current = self.current
        if current is None or current.snapshot != snapshot:
            origin = self._origin_of(snapshot.digest)
            self._unkept.append(_Unkept(snapshot.digest, text, self.last.at, origin))
            number = await self._keep()
            if number is None:
                # Provisional: the number it will have, unless another gateway is faster.
                number = current.accepted.revision + 1 if current else 1
            return self._serve(number, snapshot, self.last.at)
        if self._is_resumed:
            # The control before may have died, or lost its database, before it could keep this.
            self._is_resumed = False
            at = current.accepted.accepted_at
            self._unkept.append(_Unkept(snapshot.digest, text, at))
        look = await self._keep_again(now=True)
        return look if look.accepted else Look(is_unchanged=True)

    async def _keep_again(self, *, now: bool = False) -> Look:
        """Keep what the database refused before, and take over its numbers if they differ."""
        is_due = now or asyncio.get_running_loop().time() >= self._keep_again_at_s
        if not self._unkept or self.current is None or not is_due:
            return Look()
        number, accepted = await self._keep(), self.current.accepted
        if number in {None, accepted.revision}:
            return Look()
        return self._serve(number, self.current.snapshot, accepted.accepted_at)

    def _serve(self, number: int, snapshot: Snapshot, at: datetime) -> Look:
        self._is_resumed = False
        self.current = Current(Accepted(number, codec.encode(snapshot), at), snapshot)
        return Look(accepted=self.current)

    async def _keep(self) -> int | None:
        """Keep what is not kept yet, the oldest first, so that no number is given twice.

        Returns:
            The number of the newest; None if it could not be kept though something serves.
        """
        loop = asyncio.get_running_loop()
        number: int | None = None
        try:
            # Before anything serves there is time: the database has patience of its own.
            async with asyncio.timeout(HISTORY_PATIENCE_S if self.current else None):
                while self._unkept:
                    first = self._unkept[0]
                    number = await self._keeper.accept(
                        first.digest, first.text, first.at, first.origin
                    )
                    self._unkept.popleft()
        except (GatewayError, TimeoutError) as error:
            if self.current is None:
                raise
            self.history_fault = str(error) or f"no answer in {HISTORY_PATIENCE_S:g} s"
            self._keep_again_at_s = loop.time() + KEEP_AGAIN_AFTER_S
            return None
        self.history_fault = ""
        return number


def read_environment() -> Mapping[str, str]:
    """What ``${VAR}`` in routes.yaml stands for."""
    return dict(os.environ)
