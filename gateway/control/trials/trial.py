"""One trial, from the other side's answer to its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.control.trials.asking import Question, Respondent, header_of
from gateway.control.trials.comparer import Comparer, ComparerDied
from gateway.control.trials.knowing import Known, path_of, watermark_in
from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.compare.answers import Sides
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.observation import Asked, Observation, Trial
from gateway.parallel_run.plan import SAFE, ParallelRun
from gateway.parallel_run.result import Side
from gateway.parallel_run.settle import (
    MISS,
    after_asking_again,
    before_comparing,
    is_behind,
    places,
)
from gateway.parallel_run.strata import Stratum
from gateway.routing.split import bucket_of


@dataclass(frozen=True, slots=True)
class Ended:
    """What a trial came to."""

    became: TrialClass
    comparison: Comparison | None = None
    other: Observation | None = None
    """The side that no customer was answered by."""
    second: Observation | None = None
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


@dataclass(slots=True)
class _Pair:
    """Both sides' observations, and what their answers count as."""

    control: Observation
    candidate: Observation
    statuses: tuple[int | None, int | None]


async def try_once(trial: Trial, tools: Tools) -> Ended:
    """Ask the other side, compare, and ask again where that tells more."""
    plan, known = tools.plan, tools.known
    other_side: Side = "control" if plan.is_reversed else "candidate"
    other = await _ask(trial, tools, other_side)
    if other.failure.endswith(":internal"):
        # Our own want of room says nothing of a side.
        return Ended(TrialClass.SHED, other=other)
    pair = _pair(trial.control, other, tools)
    if build := header_of(pair.candidate.answer, plan.build_header) if plan.build_header else "":
        known.build = build
    epoch_key = f"{(build or known.build) or '-'}:{tools.digest}"
    stratum = known.stratum(trial.asked, pair.statuses[0] or 0)
    try:
        ended = await _judge(trial, tools, pair, (epoch_key, stratum))
    except ComparerDied:
        ended = Ended(TrialClass.LOST)
    return replace(ended, other=other, stratum=stratum, epoch_key=epoch_key)


async def _judge(trial: Trial, tools: Tools, pair: _Pair, epoch: tuple[str, Stratum]) -> Ended:
    early = before_comparing(*pair.statuses)
    if early is not None:
        return Ended(early)
    ours, theirs = pair.statuses
    assert ours is not None  # noqa: S101 - or it would have ended early
    assert theirs is not None  # noqa: S101 - the same
    if trial.asked.method == b"POST" and pair.control.answer and pair.candidate.answer:
        tools.known.learn(pair.control.answer, pair.candidate.answer)
    found = await _compare(pair, tools)
    is_safe = trial.asked.method in SAFE
    is_probe = is_safe and bucket_of(b"noise" + trial.trial_id.encode()) < tools.plan.noise_sample
    if is_probe:
        return await _probe(trial, tools, pair, found, epoch)
    if found.became is not TrialClass.MISMATCHED:
        return Ended(found.became, found)
    if await _is_behind(trial, tools, (ours, theirs)):
        return Ended(TrialClass.NOT_REPLICATED, found)
    if not is_safe:
        return Ended(TrialClass.MISMATCHED, found)
    second = await _ask(trial, tools, "control")
    return await _settle(tools, pair, found, second, epoch)


async def _probe(
    trial: Trial,
    tools: Tools,
    pair: _Pair,
    found: Comparison,
    epoch: tuple[str, Stratum],
) -> Ended:
    """Ask a second control, and the candidate once more, whatever was found."""
    if found.became is TrialClass.COMPARE_FAILED:
        return Ended(found.became, found)
    ours, theirs = pair.statuses
    if await _is_behind(trial, tools, (ours or 0, theirs or 0)):
        return Ended(TrialClass.NOT_REPLICATED, found)
    second = await _ask(trial, tools, "control", tools.plan.second_control)
    again = await _ask(trial, tools, "candidate")
    controls = await _between(tools, pair.control, second)
    candidates = await _between(tools, pair.candidate, again)
    if controls is not None:
        book = tools.known.book(*epoch)
        spread = None if candidates is None else places(candidates)
        book.add(places(found), places(controls), spread)
    if found.became is not TrialClass.MISMATCHED:
        return Ended(found.became, found, second=second)
    return await _settle(tools, pair, found, second, epoch)


async def _settle(
    tools: Tools,
    pair: _Pair,
    found: Comparison,
    second: Observation,
    epoch: tuple[str, Stratum],
) -> Ended:
    """What a mismatch is, now that a control was asked once more."""
    noisy = tools.known.book(*epoch).noisy(tools.plan.ready_when.confidence)
    again = await _between(tools, pair.control, second)
    return Ended(after_asking_again(found, again, noisy), found, second=second)


async def _ask(trial: Trial, tools: Tools, side: Side, backend: str = "") -> Observation:
    plan = tools.plan
    target = trial.asked.target
    if side == "candidate" and plan.writes == "allow":
        target = tools.known.target_for_candidate(target)
    name = backend or (plan.candidate if side == "candidate" else plan.control)
    question = Question(
        run=plan, side=side, trial_id=trial.trial_id, asked=trial.asked, target=target
    )
    return await tools.respondents[name].ask(question)


def _pair(served: Observation, other: Observation, tools: Tools) -> _Pair:
    plan = tools.plan
    control, candidate = (other, served) if plan.is_reversed else (served, other)
    statuses = (
        tools.respondents[plan.control].status_of(control.answer),
        tools.respondents[plan.candidate].status_of(candidate.answer),
    )
    return _Pair(control, candidate, statuses)


async def _compare(pair: _Pair, tools: Tools) -> Comparison:
    control, candidate = pair.control.answer, pair.candidate.answer
    assert control is not None  # noqa: S101 - or the trial would have ended early
    assert candidate is not None  # noqa: S101 - the same
    wants_aliases = any(rule.to == "id_alias" for rule in tools.plan.rules.normalise)
    sides = Sides(
        control=control,
        candidate=candidate,
        control_status=pair.statuses[0] or 0,
        candidate_status=pair.statuses[1] or 0,
        aliases=tools.known.aliases_within(candidate.body) if wants_aliases else {},
    )
    return await tools.comparer.compare(sides, tools.plan.rules)


async def _between(tools: Tools, one: Observation, later: Observation) -> Comparison | None:
    """How a side differs from itself; None if it has not answered twice."""
    if one.answer is None or later.answer is None:
        return None
    sides = Sides(
        control=one.answer,
        candidate=later.answer,
        control_status=one.answer.status,
        candidate_status=later.answer.status,
    )
    return await tools.comparer.compare(sides, tools.plan.rules)


async def _is_behind(trial: Trial, tools: Tools, statuses: tuple[int, int]) -> bool:
    """Whether the candidate misses what its backfill has not reached."""
    plan = tools.plan
    if not plan.watermark or statuses[1] != MISS:
        return False
    headers = tuple(line for line in trial.asked.headers if line[0].lower() == b"host")
    asked = Asked(method=b"GET", target=plan.watermark.encode(), headers=headers)
    question = Question(
        run=plan,
        side="candidate",
        trial_id=trial.trial_id,
        asked=asked,
        target=asked.target,
    )
    answer = (await tools.respondents[plan.candidate].ask(question)).answer
    watermark = watermark_in(answer) if answer is not None else None
    return is_behind(path_of(trial.asked), statuses, watermark)
