"""A list that several backends hold: all are asked at once, and the customer gets one answer.

To an exchange this looks like a pool with a connection to one backend, so that its patience, its
record and the customer's leave are those of any other exchange. It is off the hot path: a task.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from gateway.errors import Cause, Source, Stage, UpstreamError, write_failure
from gateway.proxy.call import Call
from gateway.proxy.spawn import Running, spawn
from gateway.resilience.soft_errors import FIRST_FAILURE, is_json
from gateway.routing.owner import OwnerIndex
from gateway.routing.snapshot import Backend, Timeouts
from gateway.telemetry.events import Event
from gateway.wire.inbound import Body
from gateway.wire.list_answer import (
    ListPart,
    ListRequest,
    agreed_refusal,
    read_list_request,
    write_list,
    write_refusal,
)
from gateway.wire.lists import Merger, NotAListError, Part, Recipe
from gateway.wire.problem import prefers_page, problem_parts
from gateway.wire.response import Outbound

if TYPE_CHECKING:
    from gateway.proxy.backend_state import BackendState
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Caller, Connection
    from gateway.routing.snapshot import Merge, Owner
    from gateway.telemetry.counters import LaneCounters

MOST_BYTES = 1 << 20
"""Of one side's list."""
_MOST_AT_ONCE = 32
"""Lists of one route that are under way: 64 MiB of two sides. More of them wait their turn."""
_QUICK_BYTES = 64 * 1024
"""Merged within a millisecond; longer lists are merged beside the loop, which serves on."""
QUERY_REFUSED = "This list cannot be asked for with such a query."
_BODY_REFUSED = "A request for this list has no body."
_log = logging.getLogger("figueira")


@dataclass(frozen=True, slots=True)
class Side:
    """A backend whose list is part of the whole."""

    state: BackendState
    """Its breaker counts lists like all else that it is asked for."""
    counters: LaneCounters
    """Its own, where its failures are counted too."""

    @property
    def pool(self) -> Pool:
        """Where connections come from."""
        return self.state.pool

    def note(self, part: ListPart, began_s: float) -> None:
        """Take note of an answer to what was asked at `began_s`, monotonic."""
        rules, status = self.state.soft_errors, part.status
        length = int(next(iter(part.values(b"content-length")), b"0"))
        kind = next(iter(part.values(b"content-type")), b"")
        if rules is not None and rules.may_match(status, length) and is_json(kind):
            status = rules.status_of(status, part.body)
        self.state.note(failed=status >= FIRST_FAILURE, began_s=began_s)

    def note_failure(self, error: UpstreamError, began_s: float) -> None:
        """Take note that there was no whole answer."""
        if error.source is Source.UPSTREAM:
            self.state.note(failed=True, began_s=began_s)


class MergedPool:
    """The backends of one merged list, in place of a pool."""

    def __init__(self, owner: Owner, merge: Merge, sides: Sequence[Side], date: Callable[[], str]):
        """Ask `sides`, the first of which lends its fields; `date` gives an answer's Date."""
        self.sides = sides
        self.merge = merge
        self.date = date
        recipe = Recipe(id=merge.id, order=merge.order, owner_of=OwnerIndex(owner).owner_of)
        self.merger = Merger(recipe)
        self.backend = _all_together(owner.merged, [side.pool.backend for side in sides])
        self.is_crowded = False
        self._running: set[MergedList] = set()
        self._waiting: deque[Caller] = deque()

    @property
    def is_wanted(self) -> bool:
        """Whether a list waits for its turn."""
        return bool(self._waiting)

    def acquire(self, caller: Caller, *, fresh: bool = False) -> None:
        """Begin, now or when there is room."""
        del fresh  # nothing is idle here
        if len(self._running) >= _MOST_AT_ONCE:
            self._waiting.append(caller)
        else:
            self._begin(caller)

    def cancel(self, caller: Caller) -> None:
        """Forget a caller that waits."""
        if caller in self._waiting:
            self._waiting.remove(caller)

    def begin_upload(self) -> bool:
        """Take any body: it is not read."""
        return True

    def end_upload(self) -> None:
        """Nothing is counted."""

    def blame(self, connection: Connection | None) -> None:
        """Note nothing: whichever side was late has been told by its own timeouts."""

    def over(self, merged: MergedList) -> None:
        """Begin the next."""
        self._running.discard(merged)
        while self._waiting and len(self._running) < _MOST_AT_ONCE:
            self._begin(self._waiting.popleft())

    def _begin(self, caller: Caller) -> None:
        merged = MergedList(self, caller)
        self._running.add(merged)
        caller.connected(merged)


class MergedList:
    """One request for a merged list, in place of a connection."""

    address = ""
    """Of several sides, none is the one."""
    is_reused = False
    has_answered = False

    def __init__(self, pool: MergedPool, caller: Caller) -> None:
        self._pool = pool
        self._caller = caller
        self._head = b""
        self._running: Running | None = None
        self._is_over = False

    # Connection

    def send_whole(self, request: bytes) -> None:
        """Ask the sides."""
        self.send([request])

    def send(self, pieces: Sequence[bytes]) -> None:
        """Ask the sides as soon as the head is there, which is the first piece."""
        if self._running is None:
            self._running = spawn(self._run(bytes(pieces[0])), "merged-list")

    def sent_all(self) -> None:
        """Nothing more is waited for."""

    def abandon(self) -> None:
        """Leave the sides."""
        if not self._is_over:
            self._end()
            if self._running is not None:
                self._running.cancel()

    def hold_answer(self) -> None:
        """Go on: what comes is bounded, and passed on at once."""

    def release_answer(self) -> None:
        """Go on."""

    # The work

    async def _run(self, head: bytes) -> None:
        try:
            outbound, body = await self._answer(read_list_request(head))
        except UpstreamError as error:
            if not self._is_over:
                self._end()
                self._caller.failed(error)
        except Exception:  # noqa: BLE001 - a task's root: the customer must not be left hanging
            _log.exception(Event.REQUEST_FAILED.value)
            if not self._is_over:
                self._end()
                fault = UpstreamError(Stage.READ_BODY, Source.INTERNAL, Cause.PROTOCOL)
                self._caller.failed(fault)
        else:
            if not self._is_over:
                self._end()
                self._caller.answer_end(outbound, [body] if body else [], ())

    def _end(self) -> None:
        self._is_over = True
        self._pool.over(self)

    async def _answer(self, request: ListRequest) -> tuple[Outbound, bytes]:
        if request.has_body:
            return self._refuse(request, _BODY_REFUSED)
        if request.unlisted(self._pool.merge.query):
            return self._refuse(request, QUERY_REFUSED)
        parts = await self._ask_all(request)
        refusal = agreed_refusal(parts)
        if refusal is not None:
            return write_refusal(request, refusal)
        try:
            for part in parts:
                part.check()
            body = await self._merge(parts)
        except NotAListError as fault:
            raise self._count(fault.backend, _not_a_list(str(fault))) from None
        return write_list(request, parts, body)

    def _refuse(self, request: ListRequest, detail: str) -> tuple[Outbound, bytes]:
        title, as_page = "Bad Request", prefers_page(request.accept)
        lines, body = problem_parts(400, title, detail, date=self._pool.date(), as_page=as_page)
        outbound = Outbound(400, title.encode(), lines)
        if request.method == b"HEAD":
            return outbound, b""
        outbound.body, outbound.length = Body.LENGTH, len(body)
        return outbound, body

    async def _merge(self, parts: Sequence[ListPart]) -> bytes:
        lists = [Part(backend=part.backend, body=part.body) for part in parts]
        merge = self._pool.merger.merge
        if sum(len(part.body) for part in parts) <= _QUICK_BYTES:
            return merge(lists)
        return await asyncio.to_thread(merge, lists)

    async def _ask_all(self, request: ListRequest) -> list[ListPart]:
        """Ask every side at once; the first that fails ends it for all.

        Raises:
            UpstreamError: A side has no answer.
        """
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._ask(s, request)) for s in self._pool.sides]
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return [each.result() for each in asked]

    async def _ask(self, side: Side, request: ListRequest) -> ListPart:
        name = side.pool.backend.name
        for fresh in (False, True):
            # GET, whatever the customer asks: HEAD is told the length of the whole as well.
            question = httpx.Request(
                "GET",
                f"http://{name}",
                headers=request.lines,
                extensions={"target": request.target},
            )
            call, began_s = Call(side.pool, question, fresh=fresh), time.monotonic()
            try:
                part = await _take(name, call)
            except NotAListError as fault:
                raise self._count(name, _not_a_list(str(fault))) from None
            except httpx.TransportError as fault:
                if fresh or not call.was_stale:
                    error = call.error or _too_late(fault)
                    side.note_failure(error, began_s)
                    raise self._count(name, error) from None
            else:
                side.note(part, began_s)
                return part
            finally:
                call.leave()
        raise AssertionError("the second attempt returns or raises")

    def _count(self, backend: str, error: UpstreamError) -> UpstreamError:
        """Count a failure of a side under its own name, too."""
        for side in self._pool.sides:
            if side.pool.backend.name == backend:
                text = write_failure(error.stage, error.cause, error.source)
                side.counters.errors[text] = side.counters.errors.get(text, 0) + 1
        return error


async def _take(backend: str, call: Call) -> ListPart:
    """A side's whole answer.

    Raises:
        httpx.TransportError: There is none, or no more of it.
        NotAListError: It is too long.
    """
    outbound = await call.ask()
    body = bytearray()
    if outbound.length <= MOST_BYTES:
        while piece := await call.next_piece():
            body += piece
            if len(body) > MOST_BYTES:
                break
    if max(outbound.length, len(body)) > MOST_BYTES:
        raise NotAListError(backend, f"more than {MOST_BYTES} bytes")
    return ListPart(
        backend=backend,
        status=outbound.status,
        reason=outbound.reason,
        lines=outbound.lines,
        body=bytes(body),
    )


def _not_a_list(why: str) -> UpstreamError:
    return UpstreamError(Stage.READ_BODY, Source.UPSTREAM, Cause.PROTOCOL, why)


def _too_late(fault: httpx.TransportError) -> UpstreamError:
    """What a side's own timeouts say; whatever else ends a call brings its error along."""
    if isinstance(fault, httpx.PoolTimeout):
        return UpstreamError(Stage.QUEUE, Source.INTERNAL, Cause.OVERLOAD, str(fault))
    is_connecting = isinstance(fault, httpx.ConnectTimeout)
    stage = Stage.CONNECT if is_connecting else Stage.READ_HEAD
    return UpstreamError(stage, Source.UPSTREAM, Cause.TIMEOUT, str(fault))


def _all_together(name: str, backends: Sequence[Backend]) -> Backend:
    """What an exchange is to know of them: the longest patience, and the shortest limit."""
    timeouts = [backend.timeouts for backend in backends]
    totals = [each.total_s for each in timeouts if each.total_s is not None]
    longest = Timeouts(
        connect_s=max(each.connect_s for each in timeouts),
        first_byte_s=max(each.first_byte_s for each in timeouts),
        idle_s=max(each.idle_s for each in timeouts),
        total_s=min(totals, default=None),
    )
    return replace(backends[0], name=name, timeouts=longest)
