"""Both decisions about a record, as far as they can be made: a tree of what it does not tell.

At its ends stand two decisions each, under the same assumptions. Where a sticky value or a draw
decides, the bucket is put in afterwards: records that differ in nothing else share one tree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.routing.snapshot import BUCKETS, Share
from gateway.whatif.outcome import End, Outcome
from gateway.whatif.recall import Recall

DRAW: Final = "draw"
OTHER_CLIENT_IP: Final = "client_ip, as the new trust.proxies reads it"


@dataclass(frozen=True, slots=True)
class Side:
    """A decision, of which the bucket may be still to come."""

    end: End
    by: str = ""
    """The sticky source, or `DRAW`, whose bucket chooses among `shares`; empty if all is known."""
    shares: tuple[Share, ...] = ()
    is_existing: bool = False

    def at(self, bucket: int) -> End:
        """Where a bucket leads."""
        if not self.by:
            return self.end
        share = next(each for each in self.shares if each.start <= bucket < each.end)
        return End(self.end.route, share.backend)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both decisions, under the same assumptions."""

    old: Side
    new: Side


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """The record does not tell `key`: one branch for each value that could make a difference."""

    key: str
    branches: tuple[Pair | Fork, ...]


Tree = Pair | Fork


@dataclass(slots=True)
class Found:
    """What a tree comes to with a record's buckets put in."""

    outcomes: dict[Outcome, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)


def find(tree: Tree, recall: Recall) -> Found:
    """Every outcome that a record leaves open, and the keys that would tell them apart."""
    found = Found()
    if isinstance(tree, Fork):
        branches = [find(branch, recall) for branch in tree.branches]
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


NOWHERE = Pair(Side(End("", "", "?")), Side(End("", "", "?")))
ELSEWHERE = Pair(Side(End("", "", "?")), Side(End("", "", "??")))
"""Two that differ, in place of more than can be looked at."""


def _bucket(by: str, recall: Recall) -> int | None:
    if by == DRAW:
        return recall.drawn_bucket()
    return None if by == OTHER_CLIENT_IP else recall.bucket(by)


def choices(tree: Tree) -> tuple[tuple[str, list[int]], ...]:
    """Whose buckets choose somewhere in a tree, and where each one's shares begin."""
    shares: dict[str, tuple[Share, ...]] = {}
    pending = [tree]
    while pending:
        branch = pending.pop()
        if isinstance(branch, Fork):
            pending += branch.branches
            continue
        for side in (branch.old, branch.new):
            if side.by:
                shares[side.by] = shares.get(side.by, ()) + side.shares
    return tuple((by, edges(each)) for by, each in shares.items())


def interval(by: str, starts: list[int], recall: Recall) -> int | None:
    """In which of the shares that begin there a bucket lies; None if it is not told."""
    bucket = _bucket(by, recall)
    return None if bucket is None else bisect_right(starts, bucket)


def end_of(side: Side, recall: Recall) -> End | None:
    """Where a decision leads; None if the record does not tell the bucket."""
    if not side.by:
        return side.end
    bucket = _bucket(side.by, recall)
    return None if bucket is None else side.at(bucket)


def _open_outcomes(pair: Pair, recall: Recall) -> Iterator[Outcome]:
    """One outcome for each combination of buckets that could make a difference."""
    old, new = pair.old, pair.new
    if old.by and old.by == new.by and _bucket(old.by, recall) is None:
        for bucket in edges(old.shares + new.shares):
            yield Outcome(old.at(bucket), new.at(bucket))
        return
    for old_bucket in _buckets(old, recall):
        for new_bucket in _buckets(new, recall):
            yield Outcome(old.at(old_bucket), new.at(new_bucket))


def _buckets(side: Side, recall: Recall) -> Sequence[int]:
    if not side.by:
        return (0,)
    bucket = _bucket(side.by, recall)
    return edges(side.shares) if bucket is None else (bucket,)


def edges(shares: Sequence[Share]) -> list[int]:
    """The first bucket of every share: between two of them nothing changes."""
    return sorted({share.start for share in shares if share.start < min(share.end, BUCKETS)})


def _spoken(by: str) -> str:
    """A sticky source as keys are named: ``header x-customer-id``."""
    return by.replace(":", " ", 1)
