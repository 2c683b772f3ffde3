"""A recorded request, decided again under two snapshots.

The decision is `gateway.routing.decide.decide` itself. Where the record does not tell something
that it looks at, every value that could make a difference is assumed in turn: what comes out the
same is decided, and the rest is undecidable from this record, with the keys that it would take.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.routing.decide import Forward, Reason, Reply, decide
from gateway.routing.snapshot import Snapshot
from gateway.routing.table import Table
from gateway.telemetry.access_line import Noted
from gateway.whatif.branches import (
    DRAW,
    ELSEWHERE,
    NOWHERE,
    OTHER_CLIENT_IP,
    Fork,
    Found,
    Pair,
    Side,
    Tree,
    choices,
    edges,
    end_of,
    find,
    interval,
)
from gateway.whatif.exact import ExactRecall, is_ambiguous
from gateway.whatif.knowledge import CLIENT_IP, Knowledge, knowledge
from gateway.whatif.outcome import End, Outcome, Replayed
from gateway.whatif.recall import MOST_VALUES, Recall, RecalledHead, Untold, pin_of
from gateway.whatif.record import CombinedRecord, Record
from gateway.whatif.recording import query_values
from gateway.whatif.tokens import Tokens

_MAX_DECISIONS = 1_000
"""For one record; a file that leaves more open asks too much of it."""
_MAX_OPENED = 1_000
"""Trees; of most records there are a handful."""
_MAX_REMEMBERED = 50_000
"""Kinds of requests whose decisions are kept; some 30 MiB."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was found for a tree that records leave open."""

    choices: tuple[tuple[str, list[int]], ...]
    """Whose buckets choose, and the first bucket of each share."""
    found: dict[tuple[int | None, ...], Found]
    """By the shares that the buckets lie in; None for one that is not told."""


class Replay:
    """Decides records under an old and a new snapshot."""

    def __init__(self, old: Snapshot, new: Snapshot, tokens: Tokens | None = None) -> None:
        """Take the key's tokens where it is at hand: then a token tells whether it is a value."""
        self._old, self._new = Table(old), Table(new)
        self._known: Knowledge = knowledge(old, new, tokens)
        self._proxies_differ = self._known.trust.is_customer_other
        self._matched_and_sticky = {
            f"header:{name}"
            for name in self._known.sticky_headers & self._known.asked.headers.keys()
        }
        self._read = {*self._known.asked.headers, *self._known.sticky_headers, "cookie", "host"}
        """Headers that a decision may look at."""
        self._wanted = {
            key.encode(): frozenset(value.encode() for value in values)
            for key, values in self._known.asked.query.items()
        }
        """Keys of the query that some route asks for, and what it wants to find there."""
        self._trees: dict[object, Tree] = {}
        self._opened: dict[Tree, _Opened] = {}
        routes = [*old.routes, *new.routes]
        self._edges = edges([share for route in routes for share in route.shares]) or [0]

    def decide(self, record: Record) -> Replayed:
        """Decide one record."""
        recall, tree = self._recall(record)
        pair = tree
        while isinstance(pair, Fork):
            pair = pair.branches[0]
        customer = _customer(record)
        if isinstance(tree, Pair):
            outcome = self._decided(tree, recall)
            if outcome is not None:
                return Replayed((outcome,), (), customer, tree.old.is_existing)
        found = self._found_once(tree, recall)
        missing = () if len(found.outcomes) == 1 else tuple(found.missing)
        return Replayed(tuple(found.outcomes), missing, customer, pair.old.is_existing)

    def _recall(self, record: Record) -> tuple[Recall, Tree]:
        if is_ambiguous(record.path):
            exact = ExactRecall(
                record,
                self._known,
                self._edges,
                is_address_known=not self._proxies_differ,
            )
            return exact, self._grow(exact, [_MAX_DECISIONS])
        recall = Recall(record, self._known)
        return recall, self._tree(recall)

    def _tree(self, recall: Recall) -> Tree:
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
        return (
            record.method,
            record.path,
            pin_of(record),
            bool(pin_of(record)) and self._known.trust.keeps_pin(record),
            tuple(noted),
            self._known.kind_of_address(record),
            self._known.trust.reads_otherwise(record),
            tuple(one for one in (record.headers or {}).items() if one[0] in self._read),
            self._kind_of_query(record),
        )

    def _kind_of_query(self, record: Record) -> object:
        """What it says of the keys that some route asks for; a value that none wants is like none.

        What customers search for would otherwise make each of their requests one of a kind.
        """
        if not self._wanted:
            return None
        if isinstance(record, CombinedRecord):
            given = query_values(record.raw_query)
            return tuple(
                value if (value := given.get(key)) in wanted else None
                for key, wanted in self._wanted.items()
            )
        return tuple(
            (key, value if not isinstance(value, str) or value.encode() in wanted else 0)
            for key, value in (record.query or {}).items()
            if (wanted := self._wanted.get(key.encode())) is not None
        )

    def _grow(self, recall: Recall, left: list[int]) -> Tree:
        """Decide under what is assumed, or ask what is not told and decide under each answer."""
        left[0] -= 1
        try:
            return Pair(self._side(self._old, recall), self._side(self._new, recall))
        except Untold as untold:
            key, values = untold.key, untold.values
        if len(values) > MOST_VALUES or left[0] <= 0:
            return Fork(key, (NOWHERE, ELSEWHERE))
        branches = []
        for value in values:
            recall.assumed[key] = value
            branches.append(self._grow(recall, left))
        del recall.assumed[key]
        return Fork(key, tuple(branches))

    def _side(self, table: Table, recall: Recall) -> Side:
        recall.is_new = table is self._new
        decision = decide(table, RecalledHead(recall), recall.draw())
        if isinstance(decision, Reply):
            return Side(End("", "", f"{decision.status} {decision.detail}"))
        return self._forward(decision, recall, is_new=table is self._new)

    def _forward(self, decision: Forward, recall: Recall, *, is_new: bool) -> Side:
        route, reason = decision.route, decision.reason
        end = End(route.name, decision.backend)
        if isinstance(recall, ExactRecall):
            return Side(end, is_existing=reason.startswith("owner"))
        if reason == Reason.DRAW:
            return Side(end, DRAW, route.shares)
        if reason != Reason.STICKY:
            return Side(end, is_existing=reason.startswith("owner"))
        if not recall.is_stand_in(decision.detail):
            return Side(end)
        by = decision.detail
        if by == CLIENT_IP and is_new and self._proxies_differ:
            by = OTHER_CLIENT_IP
        return Side(end, by, route.shares)

    def _decided(self, pair: Pair, recall: Recall) -> Outcome | None:
        """The outcome where the record tells all buckets; None if it does not."""
        old = end_of(pair.old, recall)
        new = end_of(pair.new, recall)
        return None if old is None or new is None else Outcome(old, new)

    def _found_once(self, tree: Tree, recall: Recall) -> Found:
        """As `_found`; records of one tree whose buckets lie in the same shares have one result."""
        if isinstance(recall, ExactRecall):
            return find(tree, recall)
        known = self._opened.get(tree)
        if known is None:
            if len(self._opened) >= _MAX_OPENED:
                self._opened.clear()
            known = self._opened[tree] = _Opened(choices(tree), {})
        key = tuple(interval(by, starts, recall) for by, starts in known.choices)
        found = known.found.get(key)
        if found is None:
            found = known.found[key] = find(tree, recall)
        return found


def _customer(record: Record) -> str:
    """Who asks: by the first sticky source that is there, else by the address.

    Not by the source that decides: the same customer also asks for what no source decides.
    """
    noted: Noted | None = next(filter(None, (record.sticky or {}).values()), None)
    return record.client if noted is None else noted.token
