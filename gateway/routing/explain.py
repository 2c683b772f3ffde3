"""`decide`, keeping its reasons: every candidate in order, and why it was not taken."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.routing.decide import Decision, Reply, decide
from gateway.routing.path import readings
from gateway.routing.snapshot import Match
from gateway.routing.table import Entry, Table, Unmet
from gateway.wire.messages import RequestHead


@dataclass(frozen=True, slots=True)
class Considered:
    """One match of one route, and what became of it."""

    route: str
    match: Match
    taken: bool
    unmet: Unmet | None
    """The first condition that failed; None for the match taken, and for those behind it that
    would have matched as well."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with every match that was considered, in order of precedence."""

    paths: tuple[bytes, ...]
    """The readings of the path; more than one where readers could disagree."""
    considered: tuple[Considered, ...]
    decision: Decision


def explain(table: Table, head: RequestHead, draw: float) -> Explanation:
    """Decide as `decide` does, and say what was considered on the way."""
    paths = readings(head.path)
    decision = decide(table, head, draw)
    if paths is None:
        return Explanation((), (), decision)
    taken = None if isinstance(decision, Reply) else table.find(head, paths[0])
    considered = tuple(
        _consider(entry, head, paths[0], taken=entry is taken) for entry in table.entries()
    )
    return Explanation(paths, considered, decision)


def _consider(entry: Entry, head: RequestHead, path: bytes, *, taken: bool) -> Considered:
    unmet = next(iter(entry.all_unmet(head, path)), None)
    return Considered(entry.way.route.name, entry.match, taken, unmet)
