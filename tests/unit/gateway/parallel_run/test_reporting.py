"""A report says what is known, sums, and proposes what can be pasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.entry import entry_of
from gateway.parallel_run.examples import Difference
from gateway.parallel_run.noise import Noisy
from gateway.parallel_run.plan import Ignore, ParallelRun, Place, Rules, Tolerate
from gateway.parallel_run.proposal import proposed_rule
from gateway.parallel_run.report import RunReport
from gateway.parallel_run.reporting import EpochKnown, RunKnown, report_of
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.strata import Stratum
from gateway.parallel_run.tally import Tally
from tests.support.trials import KEY, LIST, MATCHED, MISMATCHED, NOW_S, RUN, SHOW, result

PLAN = ParallelRun(name=RUN, control="legacy", candidate="image_service", sample=20_000)


def _known(tallies: Mapping[Stratum, Tally], plan: ParallelRun = PLAN, **more: object) -> RunKnown:
    epoch = EpochKnown(number=1, key=KEY, began_at_s=NOW_S - 3600, newest_at_s=NOW_S, resets=0)
    given = {"pending": 0, "not_sampled": 0} | more
    return RunKnown(plan=plan, epochs=[epoch], tallies=tallies, **given)  # type: ignore[arg-type]  # as the tests name them


def _folded(results: Sequence[TrialResult]) -> dict[Stratum, Tally]:
    tallies: dict[Stratum, Tally] = {}
    for number, each in enumerate(results):
        tally = tallies.setdefault(each.stratum, Tally())
        tally.fold(entry_of(each), number.to_bytes(16, "big"), None, 0)
    return tallies


@given(
    st.dictionaries(st.sampled_from(list(TrialClass)), st.integers(0, 1000)),
    st.integers(0, 50),
    st.integers(0, 5000),
)
def test_the_balance_sheet_always_sums(
    classes: dict[TrialClass, int], pending: int, not_sampled: int
) -> None:
    tally = Tally(classes=Counter(classes))
    balance = report_of(
        _known({SHOW: tally}, pending=pending, not_sampled=not_sampled), NOW_S
    ).balance
    assert balance.eligible == balance.pending + sum(balance.classes.values())
    assert balance.eligible == sum(classes.values()) + pending + not_sampled


def test_an_empty_epoch_is_insufficient_and_says_so() -> None:
    report = report_of(_known({}), NOW_S)
    assert (report.state, report.reasons) == ("insufficient", ("there is no trial yet",))
    assert report.strata == ()


def test_differences_come_commonest_first_and_no_more_than_are_asked_for() -> None:
    results = [
        result(MISMATCHED, f"{n}", places=["status", "json:$.price"][: 1 + n % 2]) for n in range(9)
    ]
    report = report_of(_known(_folded(results)), NOW_S, top=1)
    assert report.differences_in_all == 2
    (only,) = report.differences
    assert (only.place, only.distinct, only.share, only.kinds) == ("status", 9, 1.0, {"value": 9})


def test_rare_kinds_are_named() -> None:
    many = [result(request=f"{n}") for n in range(500)]
    report = report_of(_known(_folded([*many, result(stratum=LIST)])), NOW_S)
    rare = next(each for each in report.strata if each.name == "(rare requests)")
    assert rare.consists_of == (str(LIST),)


def test_noise_is_told_with_its_evidence_and_a_rule() -> None:
    results = [
        result(TrialClass.NOISE, f"{n}", places=["json:$.at"], second=["json:$.at"])
        for n in range(12)
    ]
    report = report_of(_known(_folded(results)), NOW_S)
    assert report.second_controls == 12
    (noise,) = report.noise
    assert (noise.triads, noise.candidate, noise.control, noise.both) == (12, 0, 0, 12)
    (rule,) = yaml.safe_load(noise.rule)["ignore"]
    assert rule["json"] == "$.at"
    assert rule["until"] > datetime.fromtimestamp(NOW_S, UTC).date().isoformat()
    assert "12 of 12 trials" in rule["because"]
    assert report.differences[0].is_noise


def _noisy(place: str) -> Noisy:
    return Noisy(place=place, triads=5, candidate=0, control=1, both=4)


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("json:$.created_at", {"json": "$.created_at"}),
        ("json:$.items[*].at", {"json": "$.items[*].at"}),
        ('json:$["a b"].c', {"json": '$["a b"].c'}),
        ("form:$.nonce[*]", {"json": "$.nonce[*]"}),
        ("header:etag", {"header": "etag"}),
        ("html:/html/body/form/input/@value", {"html": "/html/body/form/input/@value"}),
    ],
)
def test_a_proposed_rule_is_yaml_and_names_its_place(place: str, rule: dict[str, str]) -> None:
    text = proposed_rule(_noisy(place), (), datetime(2026, 11, 23, tzinfo=UTC))
    (proposed,) = yaml.safe_load(text)["ignore"]
    assert proposed.items() >= rule.items()
    assert proposed["until"] == "2027-05-22"


@pytest.mark.parametrize("place", ["status", "image:pixels", "json:$", "json:$.a…", "failure:x"])
def test_what_no_rule_can_name_has_none(place: str) -> None:
    assert proposed_rule(_noisy(place), (), datetime(2026, 11, 23, tzinfo=UTC)) == ""


def test_values_of_one_form_are_brought_to_it() -> None:
    """A clock that is ignored could stop; one that is normalised has to be a clock."""
    difference = Difference(
        place="json:$.at",
        kind="value",
        control="<timestamp a 0000>",
        candidate="<timestamp b 0000>",
        times=1,
    )
    text = proposed_rule(_noisy("json:$.at"), [difference], datetime(2026, 11, 23, tzinfo=UTC))
    assert yaml.safe_load(text) == {"normalise": [{"json": "$.at", "to": "timestamp"}]}


def test_rules_are_used_never_used_or_over() -> None:
    rules = Rules(
        ignore=(
            Ignore(place=Place(json="$.at"), because="clock", until="2099-01-01"),
            Ignore(place=Place(header="etag"), because="versions", until="2020-01-01"),
        ),
        tolerate=(Tolerate(place=Place(json="$.price"), absolute=0.01),),
    )
    plan = ParallelRun(name=RUN, control="a", candidate="b", sample=1, rules=rules)
    results = [result(TrialClass.IGNORED, ignored=["ignore json:$.at"])]
    report = report_of(_known(_folded(results), plan), NOW_S)
    assert [(each.rule, each.trials, each.is_expired) for each in report.rules] == [
        ("ignore json:$.at", 1, False),
        ("ignore header:etag", 0, True),
        ("tolerate json:$.price", 0, False),
    ]


def test_a_report_survives_its_own_json() -> None:
    report = report_of(_known(_folded([result(), result(MATCHED, "2")])), NOW_S)
    assert msgspec.json.decode(msgspec.json.encode(report), type=RunReport) == report
