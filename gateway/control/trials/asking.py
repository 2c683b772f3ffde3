"""Asking a side of a trial: the customer's request once more, marked, bounded, never repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from gateway.control.trials.room import Share
from gateway.parallel_run.mark import HEADER
from gateway.parallel_run.observation import Answer, Asked, Observation
from gateway.parallel_run.plan import SAFE, ParallelRun
from gateway.parallel_run.result import Side
from gateway.proxy.backend_state import compile_soft_errors
from gateway.proxy.call import TIMES, CallTimes
from gateway.proxy.captured import MOST_BODY_BYTES, Captured
from gateway.proxy.pool import Pool
from gateway.proxy.transport import PoolTransport
from gateway.resilience.soft_errors import is_json
from gateway.routing.snapshot import Backend
from gateway.wire.messages import Header

MOST_ANSWER_BYTES = MOST_BODY_BYTES
"""Of what a side answers to a trial; the customer's answer was no larger."""
MOST_S = 120.0
"""Of one question, whatever the backend's own timeouts allow: one that drips is cut."""
_OURS = frozenset({b"traceparent", b"x-figueira-trial", b"expect"})
"""Fields of the customer's request that are written anew."""
_MUCH_BYTES = 1024 * 1024
"""From which on Python joins bytes without holding up other threads."""
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


def read_asked(captured: Captured, whole: bytes | None = None) -> Asked:
    """The request, as the control got it.

    Args:
        captured: What was handed over.
        whole: The body, as it was sent; None if that is all there.
    """
    head, _, rest = captured.request.partition(b"\r\n\r\n")
    body = rest if whole is None else whole
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    if any(name.lower() == b"transfer-encoding" for name, _ in headers):
        body = _without_chunks(body)
    return Asked(method=method, target=target, headers=tuple(headers), body=body)


def _without_chunks(body: bytes) -> bytes:
    """A body that this gateway itself has framed."""
    parts, start = [], 0
    while (end := body.find(b"\r\n", start)) >= 0:
        length = int(body[start:end] or b"0", 16)
        if not length:
            break
        start = end + 2
        parts.append(body[start : start + length])
        start += length + 2
    return b"".join(parts)


def read_answered(captured: Captured, whole: bytes | None = None) -> Observation:
    """What the side did that the customer was answered by.

    Args:
        captured: What was handed over.
        whole: The answer's body; None if that is all there.
    """
    answer = None
    if captured.status:
        lines = captured.lines
        if captured.head:
            fields = (line.partition(b": ") for line in captured.head.split(b"\r\n")[1:-2])
            lines = [(name, value) for name, _, value in fields]
        answer = Answer(
            status=captured.status,
            headers=tuple(lines),
            body=captured.body if whole is None else whole,
            reason=captured.reason,
        )
    return Observation(
        backend=captured.backend,
        began_at_s=captured.ended_at_s - captured.duration_s,
        duration_s=captured.duration_s,
        first_byte_s=captured.first_byte_s,
        answer=answer,
        failure=captured.failure,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A trial's request to one side."""

    run: ParallelRun
    side: Side
    mark: bytes
    """Says to the side that this is a trial."""
    traceparent: bytes
    asked: Asked
    key: bytes
    """Idempotency-Key of a request that may change something, unless it has one."""
    target: bytes
    """As the side knows it: ids may have been put in its own words."""
    share: Share
    """Of the memory there is: the answer takes some of it."""


class Respondent:
    """One backend, asked over connections that no customer's request goes over."""

    def __init__(self, backend: Backend, wall_clock: Callable[[], float]) -> None:
        """Ask `backend`; `wall_clock` gives seconds since 1970."""
        self.backend = backend
        self._pool = Pool(backend)
        self._transport = PoolTransport(self._pool)
        self._wall_clock = wall_clock
        self._soft_errors = compile_soft_errors(backend)

    async def ask(self, question: Question) -> Observation:
        """Ask; whatever happens is an observation.

        Its times are taken as the other side's were: from the request's last byte sent, without
        the wait for a connection, to the answer's last byte.
        """
        times = CallTimes()
        answer, failure = None, ""
        try:
            async with asyncio.timeout(MOST_S):
                response = await self._transport.handle_async_request(_request(question, times))
                try:
                    answer = await _read(response, question.share)
                finally:
                    await response.aclose()
        except _TooLarge:
            failure = "read_body:too_large:upstream"
        except _NoRoom:
            failure = "read_body:overload:internal"
        except TimeoutError:
            failure = "read_body:timeout:upstream"
        except httpx.PoolTimeout:
            failure = "queue:overload:internal"
        except httpx.LocalProtocolError:
            failure = "send_body:protocol:internal"
        except httpx.TransportError as error:
            failure = f"{_stage(error, times.head_s)}:upstream"
        return self._seen(times, answer, failure)

    def _seen(self, times: CallTimes, answer: Answer | None, failure: str) -> Observation:
        now_s = time.monotonic()
        ended_s = now_s if times.ended_s is None else times.ended_s
        sent_s = ended_s if times.sent_s is None else times.sent_s
        head_s = None if times.sent_s is None else times.head_s
        return Observation(
            backend=self.backend.name,
            began_at_s=self._wall_clock() - (now_s - sent_s),
            duration_s=ended_s - sent_s,
            first_byte_s=None if head_s is None else max(head_s - sent_s, 0.0),
            answer=answer,
            failure=failure,
        )

    def status_of(self, answer: Answer | None) -> int | None:
        """What an answer counts as; None if there is none."""
        if answer is None:
            return None
        rules = self._soft_errors
        if rules is None or not rules.may_match(answer.status, len(answer.body)):
            return answer.status
        fields = {name.lower(): value for name, value in answer.headers}
        if not is_json(fields.get(b"content-type", b"")):
            return answer.status
        return rules.status_of(answer.status, answer.body)

    def close(self) -> None:
        """Keep no connection."""
        self._pool.close()


def _request(question: Question, times: CallTimes) -> httpx.Request:
    asked, run = question.asked, question.run
    ours: dict[bytes, bytes] = {
        name.encode(): value.encode("latin-1", "replace")
        for side, name, value in run.headers
        if side == question.side
    }
    dropped = _OURS | _LENGTHS | ours.keys()
    headers: list[Header] = [line for line in asked.headers if line[0].lower() not in dropped]
    has_length = any(name.lower() in _LENGTHS for name, _ in asked.headers)
    if asked.body or has_length:
        headers.append((b"Content-Length", b"%d" % len(asked.body)))
    is_keyed = any(name.lower() == b"idempotency-key" for name, _ in headers)
    if asked.method not in SAFE and not is_keyed:
        headers.append((b"Idempotency-Key", question.key))
    headers += ours.items()
    headers.append((b"traceparent", question.traceparent))
    if asked.method in SAFE or run.writes == "sandbox":
        # It says that nothing may be left behind: not so of a write that is to be kept.
        headers.append((HEADER, question.mark))
    return httpx.Request(
        asked.method.decode("latin-1"),
        "http://trial/",
        headers=headers,
        content=asked.body,
        extensions={"target": question.target, TIMES: times},
    )


def _stage(error: httpx.TransportError, head_s: float | None) -> str:
    is_late = isinstance(error, httpx.TimeoutException)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "connect:timeout" if is_late else "connect:refused"
    stage = "read_head" if head_s is None else "read_body"
    return f"{stage}:timeout" if is_late else f"{stage}:closed"


class _TooLarge(Exception):  # noqa: N818 - what was found
    """An answer is larger than it may be."""


class _NoRoom(Exception):  # noqa: N818 - the same
    """There is no memory for an answer."""


async def _read(response: httpx.Response, share: Share) -> Answer:
    """The whole answer.

    Raises:
        _TooLarge: It is longer than it may be.
        _NoRoom: It is longer than the control's was, and others have what room there is.
    """
    pieces, size = [], 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > MOST_ANSWER_BYTES:
            raise _TooLarge
        if not share.hold(len(piece)):
            raise _NoRoom
        pieces.append(piece)
    reason: bytes = response.extensions.get("reason_phrase", b"")
    return Answer(
        status=response.status_code,
        headers=tuple(response.headers.raw),
        # Joining much takes its time, and another thread can do it meanwhile.
        body=b"".join(pieces) if size < _MUCH_BYTES else await asyncio.to_thread(b"".join, pieces),
        reason=reason,
    )


def header_of(answer: Answer | None, name: str) -> str:
    """The first value of a header; empty if there is none."""
    wanted = name.encode()
    if answer is None:
        return ""
    found: Mapping[bytes, bytes] = {n.lower(): v for n, v in reversed(answer.headers)}
    return found.get(wanted, b"").decode("latin-1").strip()
