"""One trial, from the other side's answer to its class."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.control.trials.asking import Question, Respondent, header_of
from gateway.control.trials.comparer import Comparer, ComparerDied
from gateway.control.trials.knowing import Known, path_of
from gateway.control.trials.pinning import Pinning, traceparent_of
from gateway.control.trials.room import Share
from gateway.control.trials.told import GOOD_S, build_in
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides
from gateway.parallel_run.compare.calls import BothCalls
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.epoch import epoch_key
from gateway.parallel_run.mark import write_mark
from gateway.parallel_run.observation import Answer, Asked, Observation, Trial
from gateway.parallel_run.plan import SAFE, ParallelRun
from gateway.parallel_run.replication import Standing, read_watermark, standing
from gateway.parallel_run.result import Side
from gateway.parallel_run.settle import after_asking_again, before_comparing, is_missed, places
from gateway.parallel_run.strata import Stratum
from gateway.routing.split import bucket_of

if TYPE_CHECKING:
    from gateway.parallel_run.pinned import PinnedCalls

_COPY_PATIENCE_S = 8.0
"""For a backfill that is near: one that follows is level within two or three seconds."""
_COPY_PAUSE_S = 0.25
_OK = 200
_ACCEPTS = b"accept-encoding"
_AMBIGUOUS = "which calls to collaborators are whose cannot be told"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a trial came to."""

    became: TrialClass
    comparison: Comparison | None = None
    other: Observation | None = None
    """The side that no customer was answered by."""
    second: Observation | None = None
    between_controls: Comparison | None = None
    """The control against a second one; None unless that was asked whatever was found."""
    between_candidates: Comparison | None = None
    """The candidate against itself, likewise."""
    stratum: Stratum | None = None
    epoch_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a trial is put through with: those of the revision it began under."""

    plan: ParallelRun
    digest: str
    respondents: Mapping[str, Respondent]
    known: Known
    comparer: Comparer
    wall_clock: Callable[[], float]
    """Seconds since 1970."""
    share: Share
    """Of the memory there is, for answers."""
    pins: PinnedCalls | None
    """None: what the sides ask of others does not pass here."""


@dataclass(slots=True)
class _Pair:
    """Both sides' observations, what their answers count as, and what they asked of others."""

    control: Observation
    candidate: Observation
    statuses: tuple[int | None, int | None]
    calls: BothCalls | None = None


async def try_once(trial: Trial, tools: Tools) -> Ended:
    """Ask the other side, compare, and ask again where that tells more."""
    return await _Attempt(trial, tools).run()


class _Attempt:
    """One trial under way."""

    def __init__(self, trial: Trial, tools: Tools) -> None:
        self._trial = trial
        self._tools = tools
        self._plan = tools.plan
        self._known = tools.known
        self._pinning: Pinning | None = None
        if tools.pins is not None:
            self._pinning = Pinning(tools.pins, trial, tools.plan.rules)
        self._is_safe = trial.asked.method in SAFE
        # What changes something is not asked of the control again, but of one that is there for it.
        is_sandboxed = self._plan.writes == "sandbox" and bool(self._plan.second_control)
        self._may_probe = self._is_safe or is_sandboxed

    async def run(self) -> Ended:
        """Put it through."""
        other = await self._ask("control" if self._plan.is_reversed else "candidate")
        if _is_ours(other):
            return Ended(TrialClass.SHED, other=other)
        pair = self._pair(other)
        if self._pinning is not None:
            pair.calls = self._pinning.settle()
        epoch_key = await self._epoch_key(pair.candidate)
        stratum = self._known.stratum(self._trial.asked, pair.statuses[0] or 0)
        try:
            ended = await self._judge(pair, (epoch_key, stratum))
        except ComparerDied:
            ended = Ended(TrialClass.LOST)
        # The candidate may have been asked anew, once its copy of the data was there.
        other = pair.control if self._plan.is_reversed else pair.candidate
        return replace(ended, other=other, stratum=stratum, epoch_key=epoch_key)

    def _pair(self, other: Observation) -> _Pair:
        served, plan, respondents = self._trial.control, self._plan, self._tools.respondents
        control, candidate = (other, served) if plan.is_reversed else (served, other)
        statuses = (
            respondents[plan.control].status_of(control.answer),
            respondents[plan.candidate].status_of(candidate.answer),
        )
        return _Pair(control, candidate, statuses)

    async def _epoch_key(self, candidate: Observation) -> str:
        build, plan = "", self._plan
        if plan.build_header:
            build = header_of(candidate.answer, plan.build_header)
        elif plan.build_health is not None:
            path, json = plan.build_health
            answer = await self._known.told.answer(path, self._ask_of_itself)
            build = build_in(answer, json) if answer is not None else ""
        if build:
            self._known.build = build
        return epoch_key(self._known.build, self._tools.digest)

    async def _judge(self, pair: _Pair, epoch: tuple[str, Stratum]) -> Ended:
        early = before_comparing(*pair.statuses)
        if early is not None:
            return Ended(early, await self._compare_calls(pair, early))
        if self._trial.asked.method == b"POST" and pair.control.answer and pair.candidate.answer:
            self._known.learn(pair.control.answer, pair.candidate.answer)
        found = await self._compare(pair)
        if found.became is TrialClass.MISMATCHED and self._plan.watermark:
            later = await self._with_copy(pair, found)
            if isinstance(later, Ended):
                return later
            found = later
        if found.became is TrialClass.COMPARE_FAILED:
            return Ended(found.became, found)
        sample = bucket_of(b"noise" + self._trial.trial_id.encode())
        is_probe = self._may_probe and sample < self._plan.noise_sample
        differs = found.became is TrialClass.MISMATCHED
        if is_probe:
            return await self._probe(pair, found, epoch)
        return await self._settle(pair, found, epoch) if differs else Ended(found.became, found)

    async def _settle(self, pair: _Pair, found: Comparison, epoch: tuple[str, Stratum]) -> Ended:
        """What a difference is; of a safe request the control is asked once more."""
        if self._pinning is not None and self._pinning.is_ambiguous:
            # The sides may have been given each other's pictures, or somebody else's.
            return Ended(TrialClass.COMPARE_FAILED, replace(found, fault=_AMBIGUOUS))
        if not self._is_safe:
            return Ended(TrialClass.MISMATCHED, found)
        second = await self._ask("control")
        if _is_ours(second):
            return Ended(TrialClass.SHED, second=second)
        again = await self._between(pair.control, second)
        return Ended(self._after(found, again, epoch), found, second=second)

    async def _probe(self, pair: _Pair, found: Comparison, epoch: tuple[str, Stratum]) -> Ended:
        """Ask a second control, and the candidate once more, whatever was found."""
        second = await self._ask("control", self._plan.second_control)
        if found.became is TrialClass.MISMATCHED and _is_ours(second):
            return Ended(TrialClass.SHED, second=second)
        again = await self._ask("candidate")
        controls = await self._between(pair.control, second)
        candidates = await self._between(pair.candidate, again)
        if controls is not None:
            spread = None if candidates is None else places(candidates)
            self._known.book(*epoch).add(places(found), places(controls), spread)
        became = found.became
        if became is TrialClass.MISMATCHED:
            became = self._after(found, controls, epoch)
        return Ended(
            became,
            found,
            second=second,
            between_controls=controls,
            between_candidates=candidates,
        )

    def _after(
        self, found: Comparison, again: Comparison | None, epoch: tuple[str, Stratum]
    ) -> TrialClass:
        """What a mismatch is, now that a control was asked once more."""
        noisy = self._known.book(*epoch).noisy(self._plan.ready_when.confidence)
        return after_asking_again(found, again, noisy)

    async def _ask(self, side: Side, backend: str = "") -> Observation:
        plan = self._plan
        target = self._trial.asked.target
        if side == "candidate" and plan.writes == "allow":
            target = self._known.target_for_candidate(target)
        name = backend or (plan.candidate if side == "candidate" else plan.control)
        if self._pinning is None:
            return await self._tools.respondents[name].ask(self._question(side, target))
        self._pinning.began(name, self._tools.wall_clock())
        seen = await self._tools.respondents[name].ask(self._question(side, target))
        self._pinning.ended(seen)
        return seen

    def _question(self, side: Side, target: bytes, asked: Asked | None = None) -> Question:
        trial, plan = self._trial, self._plan
        return Question(
            run=plan,
            side=side,
            mark=write_mark(trial.trial_id, self._tools.wall_clock(), plan.mark_secret),
            traceparent=traceparent_of(trial).encode(),
            asked=asked or trial.asked,
            key=b"figueira-" + trial.trial_id.encode(),
            target=target,
            share=self._tools.share,
        )

    async def _compare(self, pair: _Pair) -> Comparison:
        control, candidate = pair.control.answer, pair.candidate.answer
        assert control is not None  # noqa: S101 - or the trial would have ended early
        assert candidate is not None  # noqa: S101 - the same
        rules = self._plan.rules
        wants_aliases = any(rule.to == "id_alias" for rule in rules.normalise)
        sides = Sides(
            control=control,
            candidate=candidate,
            control_status=pair.statuses[0] or 0,
            candidate_status=pair.statuses[1] or 0,
            aliases=self._known.aliases_within(candidate.body) if wants_aliases else {},
            accepts=b", ".join(
                value for name, value in self._trial.asked.headers if name.lower() == _ACCEPTS
            ),
            calls=pair.calls,
        )
        return await self._tools.comparer.compare(sides, rules)

    async def _compare_calls(self, pair: _Pair, became: TrialClass) -> Comparison | None:
        """What a candidate that failed has asked of others: that may be why."""
        answer, status = pair.control.answer, pair.statuses[0] or 0
        if became is not TrialClass.CANDIDATE_FAILED or pair.calls is None or answer is None:
            return None
        alike = Sides(
            control=answer,
            candidate=answer,
            control_status=status,
            candidate_status=status,
            calls=pair.calls,
        )
        found = await self._tools.comparer.compare(alike, self._plan.rules)
        return found if found.mismatches else None

    async def _between(self, one: Observation, later: Observation) -> Comparison | None:
        """How a side differs from itself; None if it has not answered twice."""
        if one.answer is None or later.answer is None:
            return None
        sides = Sides(
            control=one.answer,
            candidate=later.answer,
            control_status=one.answer.status,
            candidate_status=later.answer.status,
        )
        return await self._tools.comparer.compare(sides, self._plan.rules)

    async def _with_copy(self, pair: _Pair, found: Comparison) -> Ended | Comparison:
        """A difference, once the candidate's copy of the data is as new as the control's answer."""
        answered_at_s = pair.control.began_at_s + pair.control.duration_s
        stands = await self._stands(answered_at_s)
        if not self._is_safe:
            if not is_missed(*pair.statuses):
                return found
            # Where the copy is level, it may hold this very change already.
            is_level = stands is Standing.LEVEL
            return Ended(TrialClass.RACED if is_level else TrialClass.NOT_REPLICATED, found)
        until_s = self._tools.wall_clock() + _COPY_PATIENCE_S
        while stands is Standing.NEAR and self._tools.wall_clock() < until_s:
            await asyncio.sleep(_COPY_PAUSE_S)
            stands = await self._stands(answered_at_s)
        if stands is not Standing.LEVEL:
            return Ended(TrialClass.NOT_REPLICATED, found)
        later = self._pair(await self._ask("candidate"))
        pair.candidate, pair.statuses = later.candidate, later.statuses
        early = before_comparing(*pair.statuses)
        return Ended(early) if early is not None else await self._compare(pair)

    async def _stands(self, answered_at_s: float) -> Standing:
        """How the candidate's copy stands to the control's answer."""
        stands = Standing.NEAR
        # What is there stays: only of a copy that is not level yet the newest word is wanted.
        for good_s in (GOOD_S, _COPY_PAUSE_S):
            told = self._known.told.answer
            answer = await told(self._plan.watermark, self._ask_of_itself, good_s=good_s)
            is_told = answer is not None and answer.status == _OK
            watermark = read_watermark(answer.body) if answer is not None and is_told else None
            path, now_s = path_of(self._trial.asked), self._tools.wall_clock()
            stands = standing(watermark, path, answered_at_s, now_s)
            is_worth_it = watermark is not None and watermark.tells_moments
            if stands is Standing.LEVEL or not is_worth_it:
                break
        return stands

    async def _ask_of_itself(self, path: str) -> Answer | None:
        """Ask the candidate for what it says of itself."""
        headers = tuple(line for line in self._trial.asked.headers if line[0].lower() == b"host")
        asked = Asked(method=b"GET", target=path.encode(), headers=headers)
        question = self._question("candidate", asked.target, asked)
        return (await self._tools.respondents[self._plan.candidate].ask(question)).answer


def _is_ours(seen: Observation) -> bool:
    """Whether it was our own want of room, which says nothing of a side."""
    return seen.failure.endswith(":internal")
