"""What the team is told, and that it is told the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.evidence import Evidence, as_counts, together
from gateway.parallel_run.noise import Exchangeability
from gateway.parallel_run.plan import ReadyWhen
from gateway.parallel_run.strata import Stratum
from gateway.parallel_run.verdict import FRESH_S, SMALL, State, judge, span

NOW_S = 1_800_000_000.0
SHOW, LIST = Stratum("GET", "/images/{id}", 2), Stratum("GET", "/images", 2)
MATCHED, MISMATCHED = TrialClass.MATCHED, TrialClass.MISMATCHED


def _evidence(
    distinct: int,
    mismatched: int = 0,
    *,
    others: Mapping[TrialClass, int] | None = None,
    **more: object,
) -> Evidence:
    classes = Counter({MATCHED: distinct - mismatched, MISMATCHED: mismatched, **(others or {})})
    made = Evidence(
        classes=classes,
        distinct=distinct,
        mismatched=mismatched,
        seen_once=distinct,
        newest_at_s=NOW_S - 60,
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def _only(evidence: Evidence, ready_when: ReadyWhen | None = None) -> tuple[State, str]:
    verdict = judge({SHOW: evidence}, ready_when or ReadyWhen(), NOW_S)
    return verdict.state, "\n".join(verdict.strata[0].reasons)


def test_enough_clean_requests_are_ready() -> None:
    state, reason = _only(_evidence(4512))
    assert state is State.READY
    assert reason == "0 of 4,512 distinct requests differ: at most 0.1 %, below 0.1 %"


def test_one_request_less_is_not_enough_and_says_what_is_missing() -> None:
    verdict = judge({SHOW: _evidence(4500, distinct_per_s=0.01)}, ReadyWhen(), NOW_S)
    assert verdict.state is State.INSUFFICIENT
    assert verdict.reasons == (
        "GET /images/{id} 2xx: 0 of 4,500 distinct requests differ: 12 more are needed,"
        " about 20 minutes at today's rate",
    )
    assert verdict.strata[0].more == 12
    assert verdict.strata[0].more_s == pytest.approx(1200)


def test_what_is_above_the_limit_is_not_ready_and_the_commonest_difference_is_named() -> None:
    places = Counter({"json:$.size": 40, "header:content-type": 10})
    state, reason = _only(_evidence(1000, 50, places=places))
    assert state is State.NOT_READY
    assert reason.startswith("50 of 1,000 distinct requests differ: at least 2.83 %")
    assert reason.endswith("% of these at json:$.size")
    assert "; 80 %" in reason


def test_differences_at_the_limit_prove_nothing_either_way() -> None:
    state, reason = _only(_evidence(2000, 3))
    assert state is State.INSUFFICIENT
    assert "going on like this proves nothing; if none is added, 8,682 more would do" in reason


def test_a_few_requests_again_and_again_prove_little_and_say_so() -> None:
    repeated = _evidence(40, others={MATCHED: 100_000}, seen_once=0, seen_twice=1)
    state, reason = _only(repeated)
    assert state is State.INSUFFICIENT
    assert "0.1 % cannot be proved with so few different requests" in reason


def test_evidence_of_yesterday_is_stale() -> None:
    state, reason = _only(_evidence(9000, newest_at_s=NOW_S - FRESH_S - 3600))
    assert (state, reason) == (
        State.INSUFFICIENT,
        "the newest trial is 25 hours old: run it again",
    )


@pytest.mark.parametrize("left_out", [TrialClass.SHED, TrialClass.TOO_LARGE, TrialClass.LOST])
def test_what_was_left_out_spoils_the_evidence(left_out: TrialClass) -> None:
    state, reason = _only(_evidence(9000, others={left_out: 1000}))
    assert state is State.INSUFFICIENT
    assert reason.startswith("10 % of what was to be compared was not")


def test_what_nobody_chose_spoils_nothing() -> None:
    others = {TrialClass.NOT_SAMPLED: 100_000}
    assert _only(_evidence(9000, others=others))[0] is State.READY


def test_one_bad_stratum_among_good_ones_decides() -> None:
    verdict = judge({LIST: _evidence(90_000), SHOW: _evidence(1000, 100)}, ReadyWhen(), NOW_S)
    assert verdict.state is State.NOT_READY
    assert [each.name for each in verdict.strata] == [str(SHOW), str(LIST)]


def test_rare_requests_are_judged_together() -> None:
    rare = {Stratum("GET", f"/rare/{name}", 2): _evidence(30) for name in "abcd"}
    verdict = judge({LIST: _evidence(90_000), **rare}, ReadyWhen(), NOW_S)
    assert [(each.name, each.distinct) for each in verdict.strata] == [
        (SMALL, 120),
        (str(LIST), 90_000),
    ]


def test_without_trials_nothing_is_said() -> None:
    verdict = judge({}, ReadyWhen(), NOW_S)
    assert (verdict.state, verdict.reasons) == (
        State.INSUFFICIENT,
        ("there is no trial yet",),
    )


@pytest.mark.parametrize(
    ("factor", "state"),
    [(1.0, State.READY), (1.19, State.INSUFFICIENT), (3.0, State.NOT_READY)],
)
def test_a_candidate_may_not_be_much_slower(factor: float, state: State) -> None:
    evidence = _evidence(5000)
    for step in range(5000):
        duration_s = 0.02 + (step % 97) / 5000
        evidence.latency.add(duration_s, duration_s * factor)
    assert _only(evidence, ReadyWhen(max_latency_ratio=1.2))[0] is state


def test_evidence_of_several_adds_up() -> None:
    both = together([_evidence(10, 1, distinct_per_s=1.0), _evidence(5, newest_at_s=None)])
    assert (both.distinct, both.mismatched, both.trials, both.against) == (15, 1, 15, 1)
    assert both.newest_at_s == NOW_S - 60
    assert as_counts(both.classes) == {"matched": 14, "mismatched": 1}


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (1, "less than a minute"),
        (60, "1 minute"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (40 * 3600, "2 days"),
        (86_400 * 30, "30 days"),
    ],
)
def test_durations_are_in_the_unit_that_fits(duration_s: float, text: str) -> None:
    assert span(duration_s) == text


def _looked(candidate: float, triads: int) -> Evidence:
    """Enough requests that do not differ, with pictures so far from the control's."""
    pictures = Exchangeability()
    for index in range(triads):
        # The control is as far from itself as the candidate would be by chance: above and below.
        apart = 0.1 + 0.01 * (index % 2)
        pictures.add({"tint": candidate}, {"tint": apart}, {"tint": 0.21 - apart})
    return _evidence(4512, pictures=pictures, looked_at=triads or 1)


@pytest.mark.parametrize(
    ("candidate", "triads", "state", "reason"),
    [
        (0.105, 0, State.INSUFFICIENT, "0 pictures were asked for twice on both sides, and 30"),
        (0.105, 29, State.INSUFFICIENT, "29 pictures were asked for twice on both sides"),
        (0.105, 30, State.READY, "its pictures look as the control's do, by 30 asked for twice"),
        (0.5, 30, State.NOT_READY, "asked for twice: tint is further away"),
    ],
)
def test_pictures_that_are_never_equal_are_judged_by_many(
    candidate: float, triads: int, state: State, reason: str
) -> None:
    judged, reasons = _only(_looked(candidate, triads))
    assert judged is state
    assert reason in reasons


def test_pictures_of_several_kinds_of_requests_are_judged_together_where_each_is_rare() -> None:
    whole = together([_looked(0.105, 20), _looked(0.105, 20)])
    assert whole.pictures.triads == 40


@pytest.mark.parametrize(
    ("share", "rare", "state"),
    [
        (0.0, _evidence(3), State.INSUFFICIENT),
        (0.001, _evidence(3), State.READY),
        (0.0001, _evidence(3), State.INSUFFICIENT),
        (0.001, _evidence(3, 1), State.NOT_READY),
        (0.001, _evidence(3, newest_at_s=NOW_S - 2 * FRESH_S), State.INSUFFICIENT),
    ],
)
def test_the_rarest_kinds_may_be_left_unproved_if_nothing_speaks_against_them(
    share: float, rare: Evidence, state: State
) -> None:
    verdict = judge({SHOW: _evidence(4512), LIST: rare}, ReadyWhen(unproved_share=share), NOW_S)
    assert verdict.state is state
    if state is State.READY:
        assert verdict.reasons == (
            f"every kind of request is proved to be below the limit, but for {SMALL}:"
            " too few to prove",
        )
