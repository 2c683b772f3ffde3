"""The engine puts large bodies together, finds room for them, and leaves none behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.config import load
from gateway.control.messages import Part
from gateway.control.trials.blocks import BLOCK_BYTES
from gateway.control.trials.engine import Trials
from gateway.control.trials.room import Room
from gateway.control.trials.spool import MOST_BYTES, Spool
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.result import TrialResult
from gateway.proxy.captured import Captured, Poured
from tests.conformance.doors.wire import until
from tests.support.no_ledger import NoLedger

ROUTES = """
version: 1
backends: {{legacy: {{url: "http://127.0.0.1:1"}}, candidate: {{url: "http://127.0.0.1:{port}"}}}}
routes: [{{name: all, match: {{path_prefix: /}}, backend: legacy, parallel_run: r}}]
parallel_runs: {{r: {{control: legacy, candidate: candidate, writes: sandbox}}}}
"""
WORKER = (0, 0)
BODY = bytes(range(256)) * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"


@dataclass
class Sink(NoLedger):
    """Keeps what ended."""

    results: list[TrialResult] = field(default_factory=list)

    def ended(self, result: TrialResult) -> None:
        """Keep it."""
        self.results.append(result)

    @property
    def classes(self) -> Counter[TrialClass]:
        """How many trials became what."""
        return Counter(result.became for result in self.results)


@dataclass
class Candidate:
    """Answers each request alike; what it was sent is in `bodies`."""

    answer: bytes = BODY
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                self.bodies.append(await reader.readexactly(int(line[16:])))
        kind = b"Content-Type: application/octet-stream\r\nConnection: close\r\n"
        length = b"Content-Length: %d\r\n\r\n" % len(self.answer)
        writer.write(b"HTTP/1.1 200 OK\r\n" + kind + length + self.answer)
        writer.close()


@dataclass
class Stage:
    """An engine before a candidate."""

    trials: Trials
    sink: Sink
    candidate: Candidate

    def part(self, capture_id: int, body: bytes, side: int = 1) -> None:
        """A worker sends bytes of a body."""
        self.trials.part(WORKER, Part(capture_id, side, [body]))

    def offer(self, poured: Poured | None = None, request: bytes = b"", rest: bytes = b"") -> None:
        """A worker hands an exchange over."""
        captured = Captured(
            "r",
            "all",
            "legacy",
            "",
            request or b"GET /7 HTTP/1.1\r\nHost: shop\r\n\r\n",
            200,
            0,
            HEAD,
            [],
            b"OK",
            rest,
            1.0,
            0.5,
            0.1,
            "",
            poured,
        )
        self.trials.offered([captured], WORKER)

    async def ended(self, count: int) -> Counter[TrialClass]:
        """What became of that many trials, when nothing is left of them."""
        await until(lambda: len(self.sink.results) >= count and not self.trials.room.held_bytes)
        assert self.trials.spool.held_bytes == 0
        (sheet,) = self.trials.sheets({}).values()
        assert (sheet.eligible, sheet.pending) == (count, 0)
        return self.sink.classes


@asynccontextmanager
async def stage(
    folder: Path, answer: bytes = BODY, most_bytes: int = MOST_BYTES
) -> AsyncIterator[Stage]:
    """An engine with a spool of its own."""
    candidate, sink = Candidate(answer), Sink()
    server = await asyncio.start_server(candidate.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    trials = Trials(lambda: 1.0, sink, {}, spool=Spool(str(folder), most_bytes=most_bytes))
    trials.follow(load(ROUTES.format(port=port).encode(), {}), 1)
    try:
        yield Stage(trials, sink, candidate)
    finally:
        await trials.close()
        server.close()
        await server.wait_closed()


async def test_a_body_is_put_together_and_compared_whole(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        for start in range(0, 200_000, 50_000):
            here.part(1, BODY[start : start + 50_000])
        here.offer(Poured(1, 0, 200_000), rest=BODY[200_000:])
        assert await here.ended(1) == {TrialClass.MATCHED: 1}
        (result,) = here.sink.results
        assert result.control is not None
        assert result.control.answer is not None
        assert result.control.answer.body == BODY


async def test_an_upload_in_chunks_is_asked_with_its_length(tmp_path: Path) -> None:
    head = b"POST /7 HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with stage(tmp_path, b"ok") as here:
        here.part(1, b"30000\r\n" + BODY[:0x30000] + b"\r\n", side=0)
        here.offer(Poured(1, 0x30000 + 9, 0), head + b"3\r\nend\r\n0\r\n\r\n", b"ok")
        assert await here.ended(1) == {TrialClass.MATCHED: 1}
        assert here.candidate.bodies == [BODY[:0x30000] + b"end"]


@pytest.mark.parametrize(
    ("parts", "poured"),
    [
        pytest.param([], Poured(1, 0, 100), id="they went to a control that is gone"),
        pytest.param([b"x" * 40], Poured(1, 0, 100), id="some of them did"),
        pytest.param([b"x" * 100], Poured(2, 0, 100), id="they are of another"),
    ],
)
async def test_a_body_of_which_parts_are_missing_is_lost(
    tmp_path: Path, parts: list[bytes], poured: Poured
) -> None:
    async with stage(tmp_path) as here:
        for part in parts:
            here.part(1, part)
        here.offer(poured)
        here.trials.given_up(WORKER, [1])
        assert await here.ended(1) == {TrialClass.LOST: 1}
        assert here.sink.results[0].control is not None
        assert here.sink.results[0].control.answer is None


async def test_what_does_not_fit_is_shed_and_what_fits_is_compared(tmp_path: Path) -> None:
    async with stage(tmp_path, most_bytes=6 * BLOCK_BYTES) as here:
        here.part(1, BODY)
        here.part(2, BODY)
        here.offer(Poured(2, 0, len(BODY)))
        here.offer(Poured(1, 0, len(BODY)))
        assert await here.ended(2) == {TrialClass.MATCHED: 1, TrialClass.SHED: 1}


async def test_a_worker_that_is_gone_leaves_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        here.part(1, BODY)
        here.part(2, BODY)
        here.trials.part((1, 0), Part(1, 1, [BODY]))
        here.trials.lose(WORKER)
        assert here.trials.spool.held_bytes == len(BODY)
        here.trials.given_up((1, 0), [1])
        assert here.trials.spool.held_bytes == 0


async def test_trials_wait_for_memory_and_all_have_their_turn(tmp_path: Path) -> None:
    """One has as much as there is: the next begins when it has ended."""
    async with stage(tmp_path) as here:
        here.trials.room.most_bytes = 4 * len(BODY) + 100
        for number in range(1, 9):
            here.part(number, BODY)
            here.offer(Poured(number, 0, len(BODY)))
        assert here.trials.room.held_bytes <= here.trials.room.most_bytes
        assert here.trials.spool.held_bytes == 8 * len(BODY)
        assert await here.ended(8) == {TrialClass.MATCHED: 8}


@pytest.mark.parametrize(
    ("most_bytes", "became"),
    [
        pytest.param(Room().most_bytes, TrialClass.MISMATCHED, id="there is room for it"),
        pytest.param(300_000, TrialClass.SHED, id="there is none"),
    ],
)
async def test_a_candidate_that_says_more_than_the_control(
    tmp_path: Path, most_bytes: int, became: TrialClass
) -> None:
    async with stage(tmp_path, BODY * 8) as here:
        here.trials.room.most_bytes = most_bytes
        here.offer(rest=b"x" * 1000)
        assert await here.ended(1) == {became: 1}


async def test_a_candidate_that_says_more_than_8_mib_has_failed(tmp_path: Path) -> None:
    async with stage(tmp_path, BODY * 33) as here:
        here.offer(rest=b"x" * 1000)
        assert await here.ended(1) == {TrialClass.CANDIDATE_FAILED: 1}
        assert here.sink.results[0].candidate is not None
        assert here.sink.results[0].candidate.failure == "read_body:too_large:upstream"
