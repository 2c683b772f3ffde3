"""A recorded request, decided again under two snapshots.

The decision is `gateway.routing.decide.decide` itself. Where the record does not tell something
that it looks at, every value that could make a difference is assumed in turn: what comes out the
same is decided, and the rest is undecidable from this record, with the keys that it would take.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.routing.decide import Forward, Reason, Reply, decide
from gateway.routing.snapshot import BUCKETS, Share, Snapshot
from gateway.routing.table import Table
from gateway.telemetry.access_line import Noted
from gateway.whatif.asked import asked_by
from gateway.whatif.exact import ExactRecall, StandIns, is_ambiguous
from gateway.whatif.recall import (
    CLIENT_IP,
    MOST_VALUES,
    Knowledge,
    Recall,
    RecalledHead,
    Untold,
    knowledge,
    pin_of,
)
from gateway.whatif.record import CombinedRecord, Record
from gateway.whatif.tokens import Tokens

_DRAW = "draw"
_MAX_DECISIONS = 1_000
"""For one record; a file that leaves more open asks too much of it."""
_MAX_OPENED = 1_000
"""Trees; of most records there are a handful."""
_MAX_REMEMBERED = 50_000
"""Kinds of requests whose decisions are kept; some 30 MiB."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a request ends up: at a backend, or refused by the gateway."""

    route: str
    """Empty where it is refused."""
    backend: str
    refusal: str = ""
    """Status and title; empty where it is forwarded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request under both snapshots."""

    old: End
    new: End

    @property
    def is_moved(self) -> bool:
        """Whether another backend gets it, or one instead of a refusal, or the reverse."""
        return self.old.backend != self.new.backend or self.old.refusal != self.new.refusal


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a record."""

    outcomes: tuple[Outcome, ...]
    """One where it is decided; several where the record leaves it open."""
    missing: tuple[str, ...]
    """The keys that would decide; empty where there is one outcome."""
    customer: str
    """What tells the customer apart: a token, or else the address; empty if nothing does."""
    is_existing: bool
    """Whether the request concerns a resource that has an owner under the old snapshot."""

    @property
    def is_decided(self) -> bool:
        """Whether the record tells if the request moves."""
        return len(self.outcomes) == 1 or not any(outcome.is_moved for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class _Side:
    """A decision, of which the bucket may be still to come."""

    end: End
    by: str = ""
    """The sticky source, or `_DRAW`, whose bucket chooses among `shares`; empty if all is known."""
    shares: tuple[Share, ...] = ()
    is_existing: bool = False

    def at(self, bucket: int) -> End:
        """Where a bucket leads."""
        if not self.by:
            return self.end
        share = next(each for each in self.shares if each.start <= bucket < each.end)
        return End(self.end.route, share.backend)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Both decisions, under the same assumptions."""

    old: _Side
    new: _Side


@dataclass(frozen=True, slots=True, eq=False)
class _Fork:
    """The record does not tell `key`: one branch for each value that could make a difference."""

    key: str
    branches: tuple[_Pair | _Fork, ...]


_Tree = _Pair | _Fork


@dataclass(slots=True)
class _Found:
    outcomes: dict[Outcome, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was found for a tree that records leave open."""

    choices: tuple[tuple[str, list[int]], ...]
    """Whose buckets choose, and the first bucket of each share."""
    found: dict[tuple[int | None, ...], _Found]
    """By the shares that the buckets lie in; None for one that is not told."""


class Replay:
    """Decides records under an old and a new snapshot."""

    def __init__(self, old: Snapshot, new: Snapshot, tokens: Tokens | None = None) -> None:
        """Take the key's tokens where it is at hand: then a token tells whether it is a value."""
        self._old, self._new = Table(old), Table(new)
        self._known: Knowledge = knowledge(asked_by([old, new]), tokens, old.trust.proxies)
        self._proxies_differ = set(old.trust.proxies) != set(new.trust.proxies)
        self._matched_and_sticky = {
            f"header:{name}"
            for name in self._known.sticky_headers & self._known.asked.headers.keys()
        }
        self._trees: dict[object, _Tree] = {}
        self._opened: dict[_Tree, _Opened] = {}
        self._stand_ins = StandIns()
        routes = [*old.routes, *new.routes]
        self._edges = _edges([share for route in routes for share in route.shares]) or [0]

    def decide(self, record: Record) -> Replayed:
        """Decide one record."""
        recall, tree = self._recall(record)
        pair = tree
        while isinstance(pair, _Fork):
            pair = pair.branches[0]
        customer = _customer(record, pair)
        if isinstance(tree, _Pair):
            outcome = self._decided(tree, recall)
            if outcome is not None:
                return Replayed((outcome,), (), customer, tree.old.is_existing)
        found = self._found_once(tree, recall)
        missing = () if len(found.outcomes) == 1 else tuple(found.missing)
        return Replayed(tuple(found.outcomes), missing, customer, pair.old.is_existing)

    def _recall(self, record: Record) -> tuple[Recall, _Tree]:
        if is_ambiguous(record.path):
            exact = ExactRecall(
                record,
                self._known,
                self._stand_ins,
                self._edges,
                is_address_known=not self._proxies_differ,
            )
            return exact, self._grow(exact, [_MAX_DECISIONS])
        recall = Recall(record, self._known)
        return recall, self._tree(recall)

    def _tree(self, recall: Recall) -> _Tree:
        key = self._kind(recall.record)
        tree = self._trees.get(key)
        if tree is None:
            if len(self._trees) >= _MAX_REMEMBERED:
                self._trees.clear()
            self._trees[key] = tree = self._grow(recall, [_MAX_DECISIONS])
        return tree

    def _kind(self, record: Record) -> object:
        """All that a decision depends on but the buckets: records of a kind have one tree."""
        asks_for_value = self._matched_and_sticky
        noted = [
            (source, each if source in asks_for_value else each is None)
            for source, each in (record.sticky or {}).items()
        ]
        query: object = tuple((record.query or {}).items())
        if isinstance(record, CombinedRecord):
            query = record.raw_query if self._known.asked.query else b""
        return (
            record.method,
            record.path,
            pin_of(record),
            tuple(noted),
            self._known.kind_of_address(record),
            tuple((record.headers or {}).items()),
            query,
        )

    def _grow(self, recall: Recall, left: list[int]) -> _Tree:
        """Decide under what is assumed, or ask what is not told and decide under each answer."""
        left[0] -= 1
        try:
            return _Pair(self._side(self._old, recall), self._side(self._new, recall))
        except Untold as untold:
            key, values = untold.key, untold.values
        if len(values) > MOST_VALUES or left[0] <= 0:
            return _Fork(key, (_NOWHERE, _ELSEWHERE))
        branches = []
        for value in values:
            recall.assumed[key] = value
            branches.append(self._grow(recall, left))
        del recall.assumed[key]
        return _Fork(key, tuple(branches))

    def _side(self, table: Table, recall: Recall) -> _Side:
        decision = decide(table, RecalledHead(recall), recall.draw())
        if isinstance(decision, Reply):
            return _Side(End("", "", f"{decision.status} {decision.detail}"))
        return self._forward(decision, recall, is_new=table is self._new)

    def _forward(self, decision: Forward, recall: Recall, *, is_new: bool) -> _Side:
        route, reason = decision.route, decision.reason
        end = End(route.name, decision.backend)
        if isinstance(recall, ExactRecall):
            return _Side(end, is_existing=reason.startswith("owner"))
        if reason == Reason.DRAW:
            return _Side(end, _DRAW, route.shares)
        if reason != Reason.STICKY:
            return _Side(end, is_existing=reason.startswith("owner"))
        if not recall.is_stand_in(decision.detail):
            return _Side(end)
        by = decision.detail
        if by == CLIENT_IP and is_new and self._proxies_differ:
            by = _OTHER_CLIENT_IP
        return _Side(end, by, route.shares)

    def _decided(self, pair: _Pair, recall: Recall) -> Outcome | None:
        """The outcome where the record tells all buckets; None if it does not."""
        old = _end(pair.old, recall)
        new = _end(pair.new, recall)
        return None if old is None or new is None else Outcome(old, new)

    def _found_once(self, tree: _Tree, recall: Recall) -> _Found:
        """As `_found`; records of one tree whose buckets lie in the same shares have one result."""
        if isinstance(recall, ExactRecall):
            return self._found(tree, recall)
        known = self._opened.get(tree)
        if known is None:
            if len(self._opened) >= _MAX_OPENED:
                self._opened.clear()
            known = self._opened[tree] = _Opened(_choices(tree), {})
        key = tuple(_interval(by, edges, recall) for by, edges in known.choices)
        found = known.found.get(key)
        if found is None:
            found = known.found[key] = self._found(tree, recall)
        return found

    def _found(self, tree: _Tree, recall: Recall) -> _Found:
        found = _Found()
        if isinstance(tree, _Fork):
            branches = [self._found(branch, recall) for branch in tree.branches]
            differ = any(each.outcomes.keys() != branches[0].outcomes.keys() for each in branches)
            if differ or any(tree.key in branch.missing for branch in branches):
                found.missing[tree.key] = None
            for branch in branches:
                found.outcomes |= branch.outcomes
                found.missing |= branch.missing
            return found
        outcomes = dict.fromkeys(_open_outcomes(tree, recall))
        if len(outcomes) > 1:
            for side in (tree.old, tree.new):
                if side.by and _bucket(side.by, recall) is None:
                    found.missing[_spoken(side.by)] = None
        found.outcomes |= outcomes
        return found


_OTHER_CLIENT_IP = "client_ip, as the new trust.proxies reads it"
_NOWHERE = _Pair(_Side(End("", "", "?")), _Side(End("", "", "?")))
_ELSEWHERE = _Pair(_Side(End("", "", "?")), _Side(End("", "", "??")))
"""Two that differ, in place of more than can be looked at."""


def _bucket(by: str, recall: Recall) -> int | None:
    if by == _DRAW:
        return recall.drawn_bucket()
    return None if by == _OTHER_CLIENT_IP else recall.bucket(by)


def _choices(tree: _Tree) -> tuple[tuple[str, list[int]], ...]:
    """Whose buckets choose somewhere in a tree, and where each one's shares begin."""
    shares: dict[str, tuple[Share, ...]] = {}
    pending = [tree]
    while pending:
        branch = pending.pop()
        if isinstance(branch, _Fork):
            pending += branch.branches
            continue
        for side in (branch.old, branch.new):
            if side.by:
                shares[side.by] = shares.get(side.by, ()) + side.shares
    return tuple((by, _edges(each)) for by, each in shares.items())


def _interval(by: str, edges: list[int], recall: Recall) -> int | None:
    bucket = _bucket(by, recall)
    return None if bucket is None else bisect_right(edges, bucket)


def _end(side: _Side, recall: Recall) -> End | None:
    if not side.by:
        return side.end
    bucket = _bucket(side.by, recall)
    return None if bucket is None else side.at(bucket)


def _open_outcomes(pair: _Pair, recall: Recall) -> Iterator[Outcome]:
    """One outcome for each combination of buckets that could make a difference."""
    old, new = pair.old, pair.new
    if old.by and old.by == new.by and _bucket(old.by, recall) is None:
        for bucket in _edges(old.shares + new.shares):
            yield Outcome(old.at(bucket), new.at(bucket))
        return
    for old_bucket in _buckets(old, recall):
        for new_bucket in _buckets(new, recall):
            yield Outcome(old.at(old_bucket), new.at(new_bucket))


def _buckets(side: _Side, recall: Recall) -> Sequence[int]:
    if not side.by:
        return (0,)
    bucket = _bucket(side.by, recall)
    return _edges(side.shares) if bucket is None else (bucket,)


def _edges(shares: Sequence[Share]) -> list[int]:
    """The first bucket of every share: between two of them nothing changes."""
    return sorted({share.start for share in shares if share.start < min(share.end, BUCKETS)})


def _spoken(by: str) -> str:
    """A sticky source as keys are named: ``header x-customer-id``."""
    return by.replace(":", " ", 1)


def _customer(record: Record, pair: _Pair) -> str:
    """Who asks: by the source that decides, else by the first that is there, else the address."""
    sticky = record.sticky
    if sticky:
        noted: Noted | None = sticky.get(pair.new.by) or sticky.get(pair.old.by)
        noted = noted or next(filter(None, sticky.values()), None)
        if noted is not None:
            return noted.token
    return record.client
