"""The profile still runs the gateway, and deals its time out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.cases import CASES
from bench.profile import Profile, report, take_turn

_ROOT = Path(__file__).resolve().parents[3]


def test_the_gateway_answers_inside_the_harness() -> None:
    profile = Profile()
    take_turn(CASES[1], _ROOT, profile, rounds=2, requests=160)
    assert len(profile.took_us) == 2
    assert profile.least_us > 0
    assert profile.samples.total() > 0


def test_the_quickest_round_is_dealt_out_by_samples() -> None:
    profile = Profile([30.0, 20.0, 25.0], Counter({"a.py:f": 6, "a.py:g": 3, "": 1}))
    modules, functions = report("GET", {Path("/x/tree"): profile})
    rows = _cells(modules)
    assert rows[0] == ["microseconds, GET", "tree"]
    assert rows[2:] == [
        ["all of the gateway's own code", "20.0"],
        ["a.py", "18.0"],
        ["(the harness)", "2.00"],
    ]
    assert "| a.py:f" in functions


def test_two_checkouts_stand_side_by_side() -> None:
    ours = Profile([10.0], Counter({"a.py:f": 1}))
    theirs = Profile([20.0], Counter({"b.py:g": 1}))
    modules, _ = report("GET", {Path("/x/ours"): ours, Path("/x/theirs"): theirs})
    assert _cells(modules)[3:] == [["a.py", "10.0", "0.000"], ["b.py", "0.000", "20.0"]]


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
