"""Pinned collaborators: which recorded call answers which call of a trial.

Whatever passes is kept for a while. A trial names its control's exchange afterwards, so nobody has
to say beforehand which exchange will be one: the calls made within its time are looked up then.
Decides alone: `now` is given, what is to be sent comes back as a value.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.parallel_run.compare.calls import Call, is_covered
from gateway.parallel_run.passed import Passed, Reply, key_of, trace_of
from gateway.parallel_run.plan import Rules

KEPT_S = 60.0
"""A call is kept this long behind its end, and a trial behind its last word."""
SLACK_S = 0.25
"""Between a worker's clock at an exchange's ends and ours at a call's."""
MOST_ANSWER_BYTES = 16 * 1024 * 1024
MOST_BYTES = 256 * 1024 * 1024
"""Of all answers and requests that are kept."""
MOST_CALLS = 10_000
MOST_TRIALS = 2_000
_DAY_S = 86_400
_NO_RULES = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Send the call on, and say how it ended."""

    passed: Passed | None
    """None: it is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Answer from the record."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer that the control asked for no such thing."""


Decision = Forward | Replay | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What `compare_calls` is to be given."""

    control: tuple[Call, ...]
    candidate: tuple[Call, ...]
    is_ambiguous: bool
    """Calls cannot be told apart, or were not all kept: this trial says nothing about its calls,
    nor about what was made of their answers."""


class PinnedCalls(Protocol):
    """Who knows what either side asks of collaborators (the egress listener).

    For each trial: `begin` and `end` of the exchange that the customer saw, with its times, as soon
    as it is known; then `begin` and `end` around each further exchange (candidate, second control);
    then `settle`.
    """

    def begin(
        self, trial_id: str, traceparent: str, side: str, at_s: float, rules: Rules = _NO_RULES
    ) -> None:
        """Note that a side was or is about to be asked.

        Args:
            trial_id: Its own; several requests may share a trace, no two trials an id.
            traceparent: As the side gets it.
            side: The backend's name.
            at_s: When, in seconds since 1970; of the first exchange a time that is past.
            rules: Of the trial's run: calls that differ only where one covers it are the same.
        """

    def end(self, trial_id: str, side: str, at_s: float) -> Sequence[Call]:
        """Note the exchange's end; return the calls that are known to be its own, in order."""

    def settle(self, trial_id: str) -> Settled:
        """Both sides' calls as they are to be compared, once both have ended."""


@dataclass(slots=True, kw_only=True)
class _Again:
    """A further exchange of a trial: its calls are answered from the record."""

    is_open: bool = True
    made: list[Call] = field(default_factory=list)
    claimed: list[Passed] = field(default_factory=list)
    refused: dict[bytes, Call] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Trial:
    trial_id: str
    trace: str
    side: str
    """That the customer saw."""
    began_at_s: float
    rules: Rules
    ended_at_s: float | None = None
    calls: list[Passed] = field(default_factory=list)
    again: dict[str, _Again] = field(default_factory=dict)
    last: str = ""
    is_ambiguous: bool = False
    touched_at_s: float = 0.0

    def twin(self, key: bytes, call: Call, again: _Again) -> Passed | None:
        """The first call of the record that asks for the same and has not been given yet."""
        free = [
            passed
            for passed in self.calls
            if passed.reply is not None and passed not in again.claimed
        ]
        same = [passed for passed in free if passed.key == key]
        alike = same or [each for each in free if is_covered(each.call, call, self.rules)]
        return alike[0] if alike else None


class Book:
    """Calls that passed, trials under way, and which belongs to which. The `PinnedCalls`."""

    def __init__(self, *, most_passed_per_day: int = 0, most_bytes: int = MOST_BYTES) -> None:
        """Keep nothing yet.

        Args:
            most_passed_per_day: Calls of trials without a twin that are sent on, and paid for.
            most_bytes: Of what is kept.
        """
        self.most_passed_per_day = most_passed_per_day
        self._most_bytes = most_bytes
        self._passed: dict[str, deque[Passed]] = defaultdict(deque)
        self._trials: dict[str, _Trial] = {}
        self._bytes = 0
        self._count = 0
        self._lost_at_s: dict[str, float] = {}
        """Side -> when the newest call began that could not be kept."""
        self._day, self._passed_today = 0, 0
        self.replayed = self.refused = self.unmatched_passed = 0

    @property
    def kept_bytes(self) -> int:
        """What the record takes now."""
        return self._bytes

    # Trials

    def begin(
        self, trial_id: str, traceparent: str, side: str, at_s: float, rules: Rules = _NO_RULES
    ) -> None:
        """Note that a side was asked, or is about to be."""
        trial = self._trials.get(trial_id)
        if trial is None:
            if len(self._trials) >= MOST_TRIALS:
                del self._trials[next(iter(self._trials))]
            trace = trace_of(traceparent)
            trial = _Trial(trial_id=trial_id, trace=trace, side=side, began_at_s=at_s, rules=rules)
            self._trials[trial_id] = trial
        else:
            trial.again[side] = _Again()
            trial.last = side
        trial.touched_at_s = max(trial.touched_at_s, at_s)

    def end(self, trial_id: str, side: str, at_s: float) -> Sequence[Call]:
        """Note an exchange's end; return the calls that are its own beyond doubt."""
        trial = self._trials.get(trial_id)
        if trial is None:
            return ()
        trial.touched_at_s = max(trial.touched_at_s, at_s)
        again = trial.again.get(side)
        if again is not None:
            again.is_open = False
            return tuple(again.made)
        if side == trial.side and trial.ended_at_s is None:
            trial.ended_at_s = at_s
            self._gather(trial, at_s)
        return tuple(passed.call for passed in trial.calls if passed.trace)

    def settle(self, trial_id: str) -> Settled:
        """Both sides' calls as they are to be compared; the last further exchange counts."""
        trial = self._trials.get(trial_id)
        again = trial.again.get(trial.last) if trial is not None else None
        if trial is None or again is None:
            return Settled(control=(), candidate=(), is_ambiguous=True)
        claimed = [passed for passed in trial.calls if passed in again.claimed]
        for passed in claimed:
            mates = [mate for mate in trial.calls if mate.key == passed.key]
            if not passed.trace and any(mate not in claimed for mate in mates):
                trial.is_ambiguous = True
        control = [
            passed
            for passed in trial.calls
            if passed.trace or passed in claimed or self._explains(passed, trial, again)
        ]
        return Settled(
            control=tuple(passed.call for passed in control),
            candidate=tuple(again.made),
            is_ambiguous=trial.is_ambiguous,
        )

    def _explains(self, passed: Passed, trial: _Trial, again: _Again) -> bool:
        """Whether an untraced call is, beyond doubt, what a refused one should have been."""
        if trial.is_ambiguous or len(passed.fits) > 1 or passed in again.claimed:
            return False
        where = passed.call.method, passed.call.target
        alike = [each for each in again.refused.values() if (each.method, each.target) == where]
        others = [
            each
            for each in trial.calls
            if each not in again.claimed and (each.call.method, each.call.target) == where
        ]
        return len(alike) == 1 and len(others) == 1

    def _gather(self, trial: _Trial, ended_at_s: float) -> None:
        first, last = trial.began_at_s - SLACK_S, ended_at_s + SLACK_S
        within = [
            passed
            for passed in self._passed[trial.side]
            if first <= passed.began_at_s <= last and passed.trace in {"", trial.trace}
        ]
        # A side that carries the trace on does so always: what has none is somebody else's.
        own = [passed for passed in within if passed.trace] or within
        for passed in own:
            passed.fits.add(trial.trial_id)
            trial.is_ambiguous |= passed.reply is None
        trial.calls += own
        if self._lost_at_s.get(trial.side, -1.0) >= first:
            trial.is_ambiguous = True

    # Calls

    def concerns(self, side: str, trace: str) -> bool:
        """Whether a call may be a trial's: its whole request is needed to tell."""
        return any(
            side in trial.again and (trial.trace == trace if trace else trial.again[side].is_open)
            for trial in self._trials.values()
        )

    def asked(self, side: str, trace: str, call: Call, at_s: float) -> Decision:
        """Decide about a call whose request is complete."""
        self.expire(at_s)
        if not self.concerns(side, trace):
            return Forward(passed=self.passing(side, trace, call, at_s))
        key = key_of(call)
        trials = [
            trial for trial in self._of(side, trace) if trial.twin(key, call, trial.again[side])
        ]
        if not trials and trace:
            return self._unmatched(self._of(side, trace), side, (key, call), at_s)
        if not trials:
            # It may be a customer's: nobody is refused, or counted, on a guess.
            return Forward(passed=self.passing(side, trace, call, at_s))
        if len(trials) > 1:
            for trial in trials:
                trial.is_ambiguous = True
        trial = trials[0]
        again = trial.again[side]
        twin = trial.twin(key, call, again)
        assert twin is not None and twin.reply is not None  # noqa: S101, PT018 - chosen for it
        self._claim(trial, again, twin)
        again.made.append(call)
        trial.touched_at_s = at_s
        self.replayed += 1
        return Replay(reply=twin.reply)

    def _of(self, side: str, trace: str) -> list[_Trial]:
        return [
            trial
            for trial in self._trials.values()
            if side in trial.again
            and (trial.trace == trace if trace else trial.again[side].is_open)
        ]

    def _claim(self, trial: _Trial, again: _Again, twin: Passed) -> None:
        again.claimed.append(twin)
        twin.claimed_by.add(trial.trial_id)
        if twin.trace and len(twin.fits) == 1:
            return
        rivals = [mate for mate in trial.calls if mate.key == twin.key and len(mate.fits) > 1]
        if len(rivals) > 1 or len(twin.claimed_by) > 1:
            for trial_id in twin.claimed_by | {trial.trial_id}:
                if (other := self._trials.get(trial_id)) is not None:
                    other.is_ambiguous = True

    def _unmatched(
        self, trials: list[_Trial], side: str, asked: tuple[bytes, Call], at_s: float
    ) -> Decision:
        """A call that is surely a trial's, and that its control did not make."""
        key, call = asked
        if len(trials) > 1:
            for trial in trials:
                trial.is_ambiguous = True
        again = trials[0].again[side]
        trials[0].touched_at_s = at_s
        if key in again.refused:
            # Asked again because it was refused: our doing, not the candidate's.
            return Refuse()
        again.refused[key] = call
        again.made.append(call)
        day = int(at_s // _DAY_S)
        if day != self._day:
            self._day, self._passed_today = day, 0
        if self._passed_today < self.most_passed_per_day:
            self._passed_today += 1
            self.unmatched_passed += 1
            return Forward(passed=None)
        self.refused += 1
        return Refuse()

    def refuse(self, side: str, trace: str, call: Call, at_s: float) -> None:
        """Note a call of a trial that is too large to be looked up."""
        trials = self._of(side, trace)
        if trials:
            self._unmatched(trials, side, (key_of(call), call), at_s)
            for trial in trials:
                trial.is_ambiguous = True

    def passing(self, side: str, trace: str, call: Call, at_s: float) -> Passed:
        """Keep a call that is being sent on."""
        passed = Passed(side=side, trace=trace, call=call, key=key_of(call), began_at_s=at_s)
        self._passed[side].append(passed)
        self._count += 1
        self._bytes += passed.size_bytes
        self._make_room()
        return passed

    def answered(self, passed: Passed, reply: Reply, at_s: float) -> None:
        """Keep the answer of a call that was sent on."""
        if passed not in self._passed[passed.side]:
            return
        passed.reply, passed.ended_at_s = reply, at_s
        self._bytes += len(reply.body)
        self._make_room()

    def lost(self, side: str, began_at_s: float, passed: Passed | None = None) -> None:
        """Note a call that cannot be kept: trials of its time say nothing about their calls."""
        self._lost_at_s[side] = max(self._lost_at_s.get(side, began_at_s), began_at_s)
        if passed is not None and passed in self._passed[side]:
            self._passed[side].remove(passed)
            self._forget(passed)

    def expire(self, at_s: float) -> None:
        """Forget what nobody will ask for any more."""
        for trial_id, trial in list(self._trials.items()):
            if at_s - trial.touched_at_s > KEPT_S:
                del self._trials[trial_id]
        for kept in self._passed.values():
            while kept and kept[0].ended_at_s is not None and at_s - kept[0].ended_at_s > KEPT_S:
                self._forget(kept.popleft())

    def _make_room(self) -> None:
        while self._bytes > self._most_bytes or self._count > MOST_CALLS:
            oldest = min(
                (kept for kept in self._passed.values() if kept),
                key=lambda kept: kept[0].began_at_s,
            )
            gone = oldest.popleft()
            self._forget(gone)
            self.lost(gone.side, gone.began_at_s)

    def _forget(self, passed: Passed) -> None:
        self._bytes -= passed.size_bytes
        self._count -= 1
