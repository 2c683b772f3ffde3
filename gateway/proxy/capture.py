"""Exchanges that are to be tried, kept in memory while they pass.

Nothing is held back and nobody waits: a capture listens to what passes, and what it has heard is
handed over once the exchange is over and recorded; large bodies go to control while they pass.
Where memory or the link to control is short, the trial is given up, and counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.plan import ParallelRun, is_tried
from gateway.parallel_run.strata import Templates
from gateway.proxy.captured import OFFERED, Captured, EndedHere, LeftOut, Way
from gateway.proxy.lanes import WatchedLane
from gateway.proxy.pouring import Pouring
from gateway.proxy.watch import Watch
from gateway.routing.split import bucket_of
from gateway.wire.inbound import Body
from gateway.wire.messages import Header, Piece
from gateway.wire.response import SWITCHING_PROTOCOLS, Outbound

if TYPE_CHECKING:
    from gateway.proxy.backend_state import BackendState
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.outcome import Outcome
    from gateway.proxy.second import Another
    from gateway.routing.decide import ReasonText
    from gateway.telemetry.counters import LaneCounters

MOST_HELD_BYTES = 64 * 1024
"""Of a request and its answer, each: what is more goes to control while it passes."""
MOST_HELD_TOGETHER_BYTES = 16 * 1024 * 1024
"""Of all captures of a worker."""
_MOST_AT_ONCE = 32
"""Trials in one message to control: 4 MiB at the most."""
_PIECE_BYTES = 64
"""What a piece of a body costs beside its bytes: chunks of two bytes are many pieces."""
_END_OF_HEAD = b"\r\n\r\n"
_NOT_SAMPLED = TrialClass.NOT_SAMPLED.value
HandOver = Callable[[list[Captured]], bool]
"""Whether they are on their way."""


class Captures:
    """All captures of one worker, through every revision."""

    def __init__(self, wall_clock: Callable[[], float], seed: int) -> None:
        """Begin with nothing.

        Args:
            wall_clock: Gives seconds since 1970.
            seed: Of the buckets that requests are sampled by: customers make their trace ids, and
                must not choose which of their requests are compared.
        """
        self._wall_clock = wall_clock
        self.seed = seed
        self.hand_over: HandOver | None = None
        """Set while control can be reached."""
        self.way: Way | None = None
        """Set likewise, for what is too large to be kept here; another control is another way."""
        self.held_bytes = 0
        self.ended: EndedHere = {}
        """What became of eligible requests here, since the worker began."""
        self._left_out: Counter[tuple[str, str, str, int, str]] = Counter()
        self._told_not_sampled: Counter[str] = Counter()
        self._templates: dict[str, Templates] = {}
        self._ready: list[tuple[Captured, str]] = []
        self._given_up: list[int] = []
        """Captures that control need not keep, and has not been told of."""
        self._begun = 0

    def add(self, exchange: Outcome, capture: Capture) -> None:
        """Take an exchange that is over and recorded: end it here, or hand it over."""
        became = capture.fate or _fate(exchange, capture.run)
        if became is None and capture.pouring is not None:
            became = capture.pouring.loss()
        if became is None:
            self._offer(exchange, capture)
        else:
            path = exchange.inbound.path.decode("latin-1")
            method = exchange.inbound.method.decode("latin-1")
            self._end(capture.run.name, became, (method, path, exchange.status))
        capture.release()

    def flush(self) -> None:
        """Hand over what is ready; what control does not take is given up."""
        ready, self._ready = self._ready, []
        for start in range(0, len(ready), _MOST_AT_ONCE):
            part = ready[start : start + _MOST_AT_ONCE]
            is_sent = self.hand_over is not None and self.hand_over([each for each, _ in part])
            for each, path in part:
                if is_sent:
                    self._count(each.run, OFFERED)
                else:
                    if each.poured is not None:
                        self._given_up.append(each.poured.capture_id)
                    method = each.request.partition(b" ")[0].decode("latin-1")
                    self._end(each.run, TrialClass.SHED, (method, path, each.status))
        given_up, way = self._given_up, self.way
        # A control that is gone has forgotten them all the same.
        if given_up and (way is None or way.give_up(given_up)):
            self._given_up = []

    def begin_pouring(self) -> Pouring | None:
        """Begin to send a capture to control; None if it is not there, or has no room."""
        if self.way is None or self.way.is_crowded:
            return None
        self._begun += 1
        return Pouring(self.way, self._begun)

    def give_up(self, pouring: Pouring) -> None:
        """Let control forget what it has of a capture."""
        if not self._given_up:
            asyncio.get_running_loop().call_soon(self.flush)
        self._given_up.append(pouring.capture_id)

    def take_left_out(self) -> list[LeftOut]:
        """What was to be compared, or was not chosen, and ended here, since the last call."""
        found, self._left_out = self._left_out, Counter()
        many: list[LeftOut] = [(*key, count) for key, count in found.items()]
        for run, ended in self.ended.items():
            told, now = self._told_not_sampled[run], ended.get(_NOT_SAMPLED, 0)
            if now > told:
                self._told_not_sampled[run] = now
                many.append((run, "", "", 0, _NOT_SAMPLED, now - told))
        return many

    def put_back(self, many: Sequence[LeftOut]) -> None:
        """Tell of it the next time: control could not be told."""
        for run, method, template, status_class, became, count in many:
            if became == _NOT_SAMPLED:
                self._told_not_sampled[run] -= count
            else:
                self._left_out[run, method, template, status_class, became] += count

    def _offer(self, exchange: Outcome, capture: Capture) -> None:
        if not self._ready:
            # Behind whatever this turn of the loop still does for customers.
            asyncio.get_running_loop().call_soon(self.flush)
        captured = capture.written(exchange, self._wall_clock())
        self._ready.append((captured, exchange.inbound.path.decode("latin-1")))

    def _count(self, run: str, what: str) -> None:
        counts = self.ended.setdefault(run, {})
        counts[what] = counts.get(what, 0) + 1

    def _end(self, run: str, became: TrialClass, asked: tuple[str, str, int]) -> None:
        self._count(run, became.value)
        if became is not TrialClass.NOT_SAMPLED:
            method, path, status = asked
            templates = self._templates.setdefault(run, Templates())
            self._left_out[run, method, templates.of(path), status // 100, became.value] += 1


def _fate(exchange: Outcome, run: ParallelRun) -> TrialClass | None:
    """What has become of a captured exchange; None if there is something to try."""
    if exchange.status == SWITCHING_PROTOCOLS:
        # A conversation, which nobody has declared how to repeat.
        return TrialClass.UNSAFE_REFUSED
    is_upstream = exchange.error.endswith(":upstream")
    if not exchange.error or is_upstream:
        if exchange.request_sent:
            return None
        # Nobody has all of the request: its backend did not want it, or was not there to take it.
        failed = TrialClass.CANDIDATE_FAILED if run.is_reversed else TrialClass.CONTROL_FAILED
        return failed if is_upstream else TrialClass.SHED
    is_gone = exchange.error.endswith(":downstream")
    return TrialClass.CLIENT_GONE if is_gone else TrialClass.SHED


class TrialLane(WatchedLane):
    """As `WatchedLane`, to the backend whose answers are tried."""

    __slots__ = ("_captures", "_run")

    def __init__(
        self, state: BackendState, counters: LaneCounters, captures: Captures, run: ParallelRun
    ) -> None:
        super().__init__(state, counters)
        self._captures = captures
        self._run = run

    def watch_for(self, exchange: Exchange, reason: ReasonText) -> Watch:
        """Who listens to a request that comes here because of `reason`."""
        return Capture(self, self.another_for(exchange, reason), self._captures, self._run)


class Capture(Watch):
    """A watch that remembers what has passed."""

    __slots__ = (
        "_answer",
        "_held",
        "_of",
        "_request",
        "_sent_s",
        "fate",
        "head",
        "pouring",
        "run",
    )

    def __init__(
        self, lane: TrialLane, another: Another | None, captures: Captures, run: ParallelRun
    ) -> None:
        super().__init__(lane, another)
        self.run = run
        self._of = captures
        self._request: list[bytes] = []
        self._answer: list[bytes] = []
        self._held = [0, 0]
        self._sent_s = 0.0
        self.head: Outbound | None = None
        self.fate: TrialClass | None = None
        """What has become of it already; nothing is remembered then."""
        self.pouring: Pouring | None = None
        """What has gone to control already; None while all of it is here."""

    @property
    def capture(self) -> Capture:  # type: ignore[override]  # None in its base, and read alone
        """Who remembers."""
        return self

    def acquire(self, caller: Exchange, *, fresh: bool = False) -> None:
        """Get a connection for `caller`; begin to remember, or begin anew."""
        if self._held != [0, 0] or self.pouring is not None:
            self._forget(None)
        elif bucket_of(caller.trace_id, self._of.seed) >= self.run.sample:
            self.fate = TrialClass.NOT_SAMPLED
        elif not is_tried(self.run.writes, caller.method):
            self.fate = TrialClass.UNSAFE_REFUSED
        super().acquire(caller, fresh=fresh)

    def send_whole(self, request: bytes) -> None:
        """Send a request that is complete, and remember it."""
        super().send_whole(request)
        if self.fate is None:
            self._sent_s = time.monotonic()
            self._keep(self._request, (request,), 0)

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send bytes of the request, and remember them."""
        super().send(pieces)
        if self.fate is None:
            self._keep(self._request, pieces, 0)

    def sent_all(self) -> None:
        """Note that the request is complete."""
        super().sent_all()
        self._sent_s = time.monotonic()

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """Remember what has come of the answer, and pass it on."""
        if self.fate is None:
            self.head = outbound or self.head
            self._keep(self._answer, pieces, 1)
        super().answer(outbound, pieces)

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """Remember the last of the answer, and pass it on."""
        if self.fate is None:
            self.head = outbound or self.head
            self._keep(self._answer, pieces, 1)
        super().answer_end(outbound, pieces, trailers)

    def drop(self) -> None:
        """Let go: another backend's answer is the one."""
        self.release()
        super().drop()

    def written(self, exchange: Outcome, now_s: float) -> Captured:
        """What was remembered, once the exchange is over.

        Args:
            exchange: The one that this has listened to.
            now_s: Seconds since 1970.
        """
        head, first_s, sent_s = self.head, exchange.first_byte_s, self._sent_s
        is_whole = head is not None and not exchange.error
        pouring, self.pouring = self.pouring, None
        return Captured(
            self.run.name,
            exchange.decision.route.name if exchange.decision else "",
            self.backend.name,
            exchange.trace_id.decode(),
            b"".join(self._request),
            head.status if head is not None and is_whole else 0,
            self.counts_as,
            head.head if head is not None else b"",
            [] if head is None or head.head else head.lines,
            head.reason if head is not None else b"",
            b"".join(self._answer),
            now_s - (time.monotonic() - exchange.ended_s),
            exchange.ended_s - sent_s if sent_s else 0.0,
            first_s - sent_s if first_s is not None and sent_s else None,
            exchange.error,
            None if pouring is None else pouring.poured,
        )

    def release(self) -> None:
        """Hold nothing any more."""
        self._of.held_bytes -= sum(self._held)
        self._held = [0, 0]
        self._request, self._answer = [], []
        if self.pouring is not None:
            self._of.give_up(self.pouring)
            self.pouring = None

    def _forget(self, fate: TrialClass | None) -> None:
        self.fate = fate
        self.head = None
        self.release()

    def _keep(self, into: list[bytes], pieces: Sequence[Piece], side: int) -> None:
        size = len(pieces) * _PIECE_BYTES
        for piece in pieces:
            size += len(piece)
            into.append(piece if isinstance(piece, bytes) else bytes(piece))
        self._held[side] += size
        captures = self._of
        captures.held_bytes += size
        if self._held[side] > MOST_HELD_BYTES:
            self._pour(side)
        elif captures.held_bytes > MOST_HELD_TOGETHER_BYTES:
            self._forget(TrialClass.SHED)

    def _pour(self, side: int) -> None:
        """Send what is held of a body on to control; a request's head stays here."""
        pouring = self.pouring or self._of.begin_pouring()
        if pouring is None:
            self._forget(TrialClass.SHED)
            return
        self.pouring = pouring
        if side:
            stays, self._answer, pieces = [], [], self._answer
        else:
            head, end, body = b"".join(self._request).partition(_END_OF_HEAD)
            stays = self._request = [head + end]
            pieces = [body]
        became = pouring.pour(side, pieces, self._announced_bytes(side))
        if became is not None:
            self._forget(became)
            return
        left = sum(map(len, stays))
        self._of.held_bytes += left - self._held[side]
        self._held[side] = left

    def _announced_bytes(self, side: int) -> int:
        """What the head of a side says of its body; 0 if it says nothing."""
        inbound = self._caller.inbound if self._caller is not None else None
        head = self.head if side else inbound
        return head.length if head is not None and head.body is Body.LENGTH else 0


def tried_lane(
    captures: Captures, run: ParallelRun | None, state: BackendState, counters: LaneCounters
) -> WatchedLane | None:
    """The lane to a backend whose answers are tried; None where they are not."""
    if run is None or state.pool.backend.name != run.served:
        return None
    return TrialLane(state, counters, captures, run)
