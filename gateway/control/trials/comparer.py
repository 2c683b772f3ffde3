"""The comparing process, from control's side: one at a time, replaced when it hangs or dies."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence

from gateway.control.log import warn
from gateway.control.trials.comparing import (
    LENGTH_BYTES,
    LIMIT_S,
    comparison_decoder,
    job_of,
    safely,
)
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.plan import Rules
from gateway.proxy.spawn import Running, spawn
from gateway.telemetry.events import Event

_COMMAND = (sys.executable, "-m", "gateway.control.trials.comparing")
_START_S = 10.0
"""More than a first comparison takes, that waits for the process to begin."""
_AT_ONCE_BYTES = 256 * 1024


class ComparerDied(Exception):  # noqa: N818 - what happened
    """The process that compared is gone, and the comparison with it."""


class Comparer:
    """Compares answers, one pair after the other."""

    def __init__(self, command: tuple[str, ...] = _COMMAND, limit_s: float = LIMIT_S) -> None:
        """Start nothing yet: the first pair that differs starts the process."""
        self._command = command
        self._limit_s = limit_s
        self._process: asyncio.subprocess.Process | None = None
        self._is_warm = False
        self._is_closed = False
        self._turn = asyncio.Lock()
        self._ending: Running | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None if there is none."""
        return self._process.pid if self._process is not None else None

    async def compare(self, sides: Sides, rules: Rules) -> Comparison:
        """Compare two answers.

        Raises:
            ComparerDied: The process died over it.
        """
        if sides.control.body == sides.candidate.body and sides.calls is None:
            # Nothing of a body is read: no more than a few header fields to look at.
            return safely(sides, rules)
        job = job_of(sides, rules)
        async with self._turn:
            if self._is_closed:
                raise ComparerDied
            try:
                async with asyncio.timeout(self._limit_s if self._is_warm else _START_S):
                    found = await self._ask(job)
                self._is_warm = True
            except TimeoutError:
                self._replace("hangs")
                fault = f"it took longer than {self._limit_s:g} s"
                return Comparison(became=TrialClass.COMPARE_FAILED, fault=fault)
            except (OSError, EOFError):
                self._replace("died")
                raise ComparerDied from None
            except BaseException:
                # Left in the middle of an answer: the next one would read the rest of it.
                self._replace("left")
                raise
        return found

    async def _ask(self, job: Sequence[bytes]) -> Comparison:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            if self._is_closed:
                raise EOFError
        writer, reader = self._process.stdin, self._process.stdout
        assert writer is not None  # noqa: S101 - a pipe was asked for
        assert reader is not None  # noqa: S101 - the same
        await _send(writer, job)
        head = await reader.readexactly(LENGTH_BYTES)
        body = await reader.readexactly(int.from_bytes(head, "big"))
        return comparison_decoder.decode(body)

    def _replace(self, why: str) -> None:
        process, self._process, self._is_warm = self._process, None, False
        if process is not None:
            if why != "left" and not self._is_closed:
                warn(Event.COMPARER_REPLACED, pid=process.pid, why=why)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            self._ending = spawn(_bury(process, self._ending), "comparer-ends")

    async def close(self) -> None:
        """Compare no more; the process is gone then, and its pipes are."""
        self._is_closed = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        # Whoever still reads what it compares is the first to see its end.
        async with self._turn:
            self._replace("left")
        if self._ending is not None:
            await self._ending.ended()


async def _bury(process: asyncio.subprocess.Process, earlier: Running | None) -> None:
    """Wait for a killed process, so that neither it nor its pipes stay."""
    if earlier is not None:
        await earlier.ended()
    await process.communicate()


async def _send(writer: asyncio.StreamWriter, parts: Sequence[bytes]) -> None:
    """Send all, a bearable piece at a time: other work of the loop goes on in between."""
    if sum(map(len, parts)) <= _AT_ONCE_BYTES:
        writer.write(b"".join(parts))
        await writer.drain()
        return
    for part in parts:
        whole = memoryview(part)
        for start in range(0, len(whole), _AT_ONCE_BYTES):
            writer.write(whole[start : start + _AT_ONCE_BYTES])
            await writer.drain()
