"""What a side of a trial takes is what its backend takes, and no wait for a connection."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.control.trials import asking
from gateway.control.trials.asking import Question, Respondent
from gateway.control.trials.room import Room, Share
from gateway.parallel_run.observation import Asked, Observation
from gateway.parallel_run.plan import ParallelRun
from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Backend
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.wire import settle, until
from tests.conformance.pool.asked import ANSWER, head_of
from tests.conformance.pool.conftest import at

_RUN = ParallelRun(name="r", control="legacy", candidate="candidate", sample=100_000)
OpenRespondent = Callable[..., Respondent]


@pytest.fixture
async def open_respondent(origin: Origin) -> AsyncIterator[OpenRespondent]:
    """A side behind the origin; its wall clock is the monotonic one, to be compared with."""
    opened: list[Respondent] = []

    def open_one(**changes: int) -> Respondent:
        backend = Backend(name="candidate", addresses=at(origin), **changes)  # type: ignore[arg-type]  # limits
        opened.append(Respondent(backend, time.monotonic))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
        await until(lambda each=each: each._pool.open_connections == 0)  # type: ignore[misc]  # a lambda's default has no type


class Asking:
    """A question under way."""

    def __init__(self, respondent: Respondent, body: bytes = b"") -> None:
        self.seen: Observation | None = None
        self._running = spawn(self._ask(respondent, body), "ask")

    async def _ask(self, respondent: Respondent, body: bytes) -> None:
        asked = Asked(method=b"GET", target=b"/", headers=((b"Host", b"shop"),), body=body)
        question = Question(
            run=_RUN,
            side="candidate",
            mark=b"mark",
            traceparent=b"00-1-1-01",
            asked=asked,
            key=b"key",
            target=b"/",
            share=Share(Room(), 0),
        )
        self.seen = await respondent.ask(question)

    async def observed(self) -> Observation:
        """What came of it."""
        await self._running.ended()
        assert self.seen is not None
        return self.seen


def _ended_at_s(seen: Observation) -> float:
    return seen.began_at_s + seen.duration_s


async def test_the_wait_for_a_connection_of_a_full_pool_does_not_count(
    open_respondent: OpenRespondent, origin: Origin
) -> None:
    """The second question waits for the first one's connection: it begins when that is free."""
    respondent = open_respondent(max_connections=1)
    first = Asking(respondent)
    backend = await origin.accept()
    await head_of(backend)
    second = Asking(respondent)
    await settle()
    answered_s = time.monotonic()
    await backend.send(ANSWER)
    await head_of(backend)
    asked_s = time.monotonic()
    await backend.send(ANSWER)
    early, late = await first.observed(), await second.observed()
    assert _ended_at_s(early) >= answered_s
    assert late.began_at_s >= answered_s
    assert late.began_at_s <= asked_s <= _ended_at_s(late)


async def test_it_counts_from_the_last_byte_sent_to_the_last_byte_of_the_answer(
    open_respondent: OpenRespondent, origin: Origin
) -> None:
    question = Asking(open_respondent())
    backend = await origin.accept()
    head_read_s = (await head_of(backend), time.monotonic())[1]
    await backend.send(ANSWER[:-1])
    await settle()
    before_last_s = time.monotonic()
    await backend.send(ANSWER[-1:])
    seen = await question.observed()
    assert seen.first_byte_s is not None
    assert seen.began_at_s <= head_read_s
    assert seen.began_at_s + seen.first_byte_s <= before_last_s
    assert _ended_at_s(seen) >= before_last_s


async def test_who_never_got_a_connection_took_no_time(
    open_respondent: OpenRespondent, origin: Origin
) -> None:
    origin.close()
    seen = await Asking(open_respondent()).observed()
    assert seen.failure == "connect:refused:upstream"
    assert (seen.duration_s, seen.first_byte_s) == (0.0, None)


async def test_a_failure_takes_as_long_as_it_took_to_come(
    open_respondent: OpenRespondent, origin: Origin
) -> None:
    question = Asking(open_respondent())
    backend = await origin.accept()
    await head_of(backend)
    cut_s = time.monotonic()
    backend.close()
    seen = await question.observed()
    assert seen.failure == "read_head:closed:upstream"
    assert _ended_at_s(seen) >= cut_s >= seen.began_at_s


async def test_one_that_drips_for_ever_is_cut_whatever_the_backend_s_own_timeouts_are(
    open_respondent: OpenRespondent, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_S", 0.1)
    question = Asking(open_respondent())
    backend = await origin.accept()
    await head_of(backend)
    await backend.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    seen = await question.observed()
    assert seen.failure == "read_body:timeout:upstream"
    assert seen.answer is None
    await backend.read_to_end()
