"""Counts what a change does, record by record, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.routing.snapshot import Snapshot
from gateway.whatif.distinct import Distinct, Room
from gateway.whatif.impact import (
    FIRST_EXAMPLES,
    DeadRoute,
    Example,
    Impact,
    Move,
    Undecidable,
    UnreadLines,
)
from gateway.whatif.outcome import Outcome, Replayed
from gateway.whatif.record import CombinedRecord, Record, Unread, read_line
from gateway.whatif.replay import Replay
from gateway.whatif.tokens import Tokens

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FIRST_UNREAD = 5
_MOST_KEPT_PATH, _MOST_KEPT_WORD = 200, 40
"""Characters of an example's path, and of its method and time."""


class Tally:
    """One comparison of two snapshots over recorded traffic."""

    def __init__(self, old: Snapshot, new: Snapshot, tokens: Tokens | None = None) -> None:
        """Count nothing yet; `tokens` where their key is at hand."""
        self._replay = Replay(old, new, tokens)
        self._new_routes = [route.name for route in new.routes]
        self._is_key_known = tokens is not None
        self._max_moved = old.safety.max_moved_percent if old.safety else None
        self._room = Room()
        self._customers, self._customers_moved = Distinct(self._room), Distinct(self._room)
        self._moves: dict[Outcome, tuple[Move, Distinct]] = {}
        self._undecidable: dict[tuple[str, ...], Undecidable] = {}
        self._taken_before: dict[str, int] = {}
        self._taken_now: set[str] = set()
        self._unread = UnreadLines()
        self._requests = self._never_routed = self._line = 0
        self._since = self._until = self._source = ""

    def begin(self, source: str) -> None:
        """Number the lines that come from 1, as those of `source`."""
        self._source, self._line = source, 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Count lines of a log, without their newlines."""
        for line in lines:
            self._line += 1
            record = read_line(line)
            if isinstance(record, Record):
                self._add(record)
            elif record is not Unread.EMPTY:
                self._leave_out(record)

    def _leave_out(self, why: Unread) -> None:
        unread = self._unread
        if why is Unread.TORN:
            unread.torn += 1
        else:
            unread.foreign += 1
        if len(unread.first) < _FIRST_UNREAD:
            unread.first.append(self._place())

    def _add(self, record: Record) -> None:
        replayed = self._replay.decide(record) if record.path else None
        if replayed is None or _was_never_routed(record, replayed):
            self._never_routed += 1
            return
        self._requests += 1
        if record.time:
            self._since = self._since or record.time[:_MOST_KEPT_WORD]
            self._until = record.time[:_MOST_KEPT_WORD]
        if replayed.customer and (record.sticky or isinstance(record, CombinedRecord)):
            self._customers.add(replayed.customer)
        first = replayed.outcomes[0]
        self._taken_before[first.old.route] = self._taken_before.get(first.old.route, 0) + 1
        for outcome in replayed.outcomes:
            self._taken_now.add(outcome.new.route)
        if not replayed.is_decided:
            self._add_undecidable(record, replayed)
        elif first.old != first.new and len(replayed.outcomes) == 1:
            self._add_move(record, replayed, first)

    def _add_move(self, record: Record, replayed: Replayed, outcome: Outcome) -> None:
        found = self._moves.get(outcome)
        if found is None:
            old, new = outcome.old, outcome.new
            source, target = old.backend or old.refusal, new.backend or new.refusal
            found = Move(old.route, source, target, new.route), Distinct(self._room)
            self._moves[outcome] = found
        move, customers = found
        move.requests += 1
        move.writes += record.method not in _SAFE
        move.existing += replayed.is_existing
        if replayed.customer:
            customers.add(replayed.customer)
            if outcome.is_moved:
                # Also those whom the total leaves out, told by their address alone.
                self._customers.add(replayed.customer)
                self._customers_moved.add(replayed.customer)
        self._exemplify(move, record)

    def _add_undecidable(self, record: Record, replayed: Replayed) -> None:
        found = self._undecidable.get(replayed.missing)
        if found is None:
            found = self._undecidable[replayed.missing] = Undecidable(list(replayed.missing))
        found.requests += 1
        found.writes += record.method not in _SAFE
        for outcome in replayed.outcomes:
            if outcome.new.route not in found.routes:
                found.routes.append(outcome.new.route)
        self._exemplify(found, record)

    def _exemplify(self, row: Move | Undecidable, record: Record) -> None:
        if len(row.examples) < FIRST_EXAMPLES:
            path, method = record.path[:_MOST_KEPT_PATH], record.method[:_MOST_KEPT_WORD]
            time = record.time[:_MOST_KEPT_WORD]
            row.examples = [*row.examples, Example(self._place(), method, path, time)]

    def _place(self) -> str:
        return f"{self._source}:{self._line}"

    def impact(self) -> Impact:
        """All of it so far."""
        rows: list[tuple[Outcome, Move]] = []
        for outcome, (move, customers) in self._moves.items():
            move.customers = customers.count()
            rows.append((outcome, move))
        rows.sort(key=lambda row: (-row[1].requests, row[1].route, row[1].target))
        moves = [
            move
            for outcome, move in rows
            if outcome.is_moved and outcome.old.backend and outcome.new.backend
        ]
        refused = [move for outcome, move in rows if outcome.is_moved and outcome.new.refusal]
        taken = [move for outcome, move in rows if outcome.old.refusal and not outcome.new.refusal]
        changed = [*moves, *refused, *taken]
        moved = sum(move.requests for move in changed)
        undecidable = sorted(self._undecidable.values(), key=lambda row: -row.requests)
        return Impact(
            requests=self._requests,
            since=self._since,
            until=self._until,
            moved=moved,
            moved_percent=round(100 * moved / self._requests, 3) if self._requests else 0.0,
            writes_moved=sum(move.writes for move in changed),
            existing_moved=sum(move.existing for move in changed),
            customers=self._customers.count(),
            customers_moved=self._customers_moved.count(),
            moves=moves,
            newly_refused=refused,
            newly_taken=taken,
            rerouted=[move for outcome, move in rows if not outcome.is_moved],
            undecidable=undecidable,
            undecidable_requests=sum(row.requests for row in undecidable),
            dead_routes=self._dead_routes(),
            never_routed=self._never_routed,
            unread=self._unread,
            is_token_key_known=self._is_key_known,
            max_moved_percent=self._max_moved,
        )

    def _dead_routes(self) -> list[DeadRoute]:
        before = self._taken_before
        return [
            DeadRoute(name, before.get(name, 0))
            for name in self._new_routes
            if name not in self._taken_now
        ]


def _was_never_routed(record: Record, replayed: Replayed) -> bool:
    """Whether our own line says that the gateway refused the request while it was being read.

    Such a line has no route, and neither snapshot has a reason of its own to refuse it.
    """
    is_refused = record.status in {400, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505}
    is_ours = bool(record.time) and "T" in record.time
    return (
        is_ours
        and not record.route
        and is_refused
        and not any(outcome.old.refusal for outcome in replayed.outcomes)
    )
