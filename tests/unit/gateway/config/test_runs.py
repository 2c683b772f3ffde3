"""A rule has a last day; whoever knows what day it is learns which are over."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.cli.check import GOOD, PROBLEMS, check
from gateway.config import expired, review

TEXT = b"""\
version: 1
backends: {legacy: {url: "http://h"}, new: {url: "http://i"}}
routes:
  - {name: rest, match: {path_prefix: /}, backend: legacy, parallel_run: r}
parallel_runs:
  r:
    control: legacy
    candidate: new
    ignore:
      - {json: $.a, because: two clocks, until: "2027-06-30"}
      - json: $.b
        because: not decided yet
        until: "2026-12-24"
"""


@pytest.mark.parametrize(
    ("today", "over"),
    [
        (date(2026, 12, 24), []),
        (date(2026, 12, 25), [13]),
        (date(2027, 7, 1), [10, 13]),
    ],
)
def test_a_rule_is_good_until_the_end_of_its_last_day(today: date, over: list[int]) -> None:
    assert [each.line for each in expired(review(TEXT).deadlines, today)] == over


def test_an_expired_rule_is_told_like_any_problem() -> None:
    (problem,) = expired(review(TEXT).deadlines, date(2027, 1, 1))
    assert problem.describe("routes.yaml") == (
        "routes.yaml:13:16: error: parallel_runs.r.ignore[1].until: ignore json:$.b has expired:"
        " it was to be looked at by 2026-12-24 (remove it if both sides agree by now, or write a"
        " later date)"
    )


@pytest.mark.parametrize(
    ("today", "code"), [(date(2026, 12, 24), GOOD), (date(2026, 12, 25), PROBLEMS)]
)
def test_check_fails_for_it(
    tmp_path: Path, today: date, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "routes.yaml"
    file.write_bytes(TEXT)
    assert check(file, as_json=False, today=today) == code
    assert ("has expired" in capsys.readouterr().err) is (code == PROBLEMS)
