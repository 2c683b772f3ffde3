"""Whether a change moves more of the recorded traffic than ``safety`` allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.wording import plural
from gateway.errors import Problem
from gateway.routing.snapshot import Snapshot
from gateway.whatif.outcome import Outcome
from gateway.whatif.recent import Sampled
from gateway.whatif.record import Record, read_line
from gateway.whatif.replay import Replay
from gateway.whatif.tokens import Tokens

_SHOWN = 3
"""Moves that the message names; `figueira diff` names all."""
_HINT = "move less at a time, or force it: --force of figueira set or reload"


@dataclass(frozen=True, slots=True)
class Breach:
    """A change that moves too much."""

    limit_percent: float
    moved_percent: float
    open_percent: float
    """Of the traffic, what the record does not decide; it counts as moved."""
    requests: int
    """In the sample."""
    moves: tuple[tuple[str, float], ...]
    """What moves, and how many percent of the traffic; most first."""

    def problem(self) -> Problem:
        """What the operator is told."""
        shown = [f"{move} {percent:.3g} %" for move, percent in self.moves[:_SHOWN]]
        if len(self.moves) > _SHOWN:
            shown.append(f"and {len(self.moves) - _SHOWN} more")
        message = (
            f"this change would move {self.moved_percent:.3g} % of the recorded traffic "
            f"({plural(self.requests, 'request')} sampled in the last hour)"
        )
        if self.open_percent:
            message += f", and may move another {self.open_percent:.3g} %"
        message += f", more than {self.limit_percent:g}%"
        if shown:
            message += f": {', '.join(shown)}"
        return Problem(line=None, column=None, path="safety.max_moved", message=message, hint=_HINT)


def postponed(patience_s: float) -> Problem:
    """What the operator is told of a change that comes when nothing is recorded yet."""
    message = (
        "the control process has just been replaced and knows too little of the traffic to judge "
        f"this change; it looks again within {patience_s:g} s"
    )
    return Problem(line=None, column=None, path="safety.max_moved", message=message)


def breach(
    old: Snapshot, new: Snapshot, sample: Sequence[Sampled], tokens: Tokens | None = None
) -> Breach | None:
    """What is too much about a change from `old`, whose ``safety`` counts, to `new`; None: nothing.

    Where nothing is recorded, nothing is known to move.
    """
    if old.safety is None:
        return None
    replay = Replay(old, new, tokens)
    total = left_open = 0.0
    moves: dict[str, float] = {}
    count = 0
    for sampled in sample:
        record = read_line(sampled.line.rstrip(b"\n"))
        if not isinstance(record, Record) or not record.route:
            continue
        count += 1
        total += sampled.weight
        replayed = replay.decide(record)
        if not replayed.is_decided:
            left_open += sampled.weight
        elif replayed.outcomes[0].is_moved:
            move = _spoken(replayed.outcomes[0])
            moves[move] = moves.get(move, 0.0) + sampled.weight
    limit = old.safety.max_moved_percent
    moved = sum(moves.values())
    if not total or 100 * (moved + left_open) / total <= limit:
        return None
    return Breach(
        limit_percent=limit,
        moved_percent=100 * moved / total,
        open_percent=100 * left_open / total,
        requests=count,
        moves=tuple(
            (move, 100 * weight / total)
            for move, weight in sorted(moves.items(), key=lambda each: -each[1])
        ),
    )


def _spoken(outcome: Outcome) -> str:
    old, new = outcome.old, outcome.new
    route = old.route or new.route
    return f"{route} {old.backend or 'refused'} -> {new.backend or 'refused'}"
