"""Exit codes are what the page says they are, and what cannot be printed is not."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest

from gateway.cli.ink import Ink, ink_for
from gateway.cli.outcome import EXIT_CODES, Outcome, State, show

PAGE = (Path(__file__).parents[4] / "docs" / "run-a-migration.md").read_text("utf-8")


def test_every_state_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(get_args(State))


def test_the_page_tells_the_exit_code_of_every_state() -> None:
    told: dict[str, int] = {}
    for part in PAGE.rpartition("`state` says")[2].split(";"):
        found = re.search(r"(?:is|are) (\d)", part)
        assert found is not None, part
        told |= dict.fromkeys(re.findall(r"`(\w+)`", part), int(found[1]))
    assert told == EXIT_CODES


@pytest.mark.parametrize("state", get_args(State))
def test_the_exit_code_is_that_of_the_state_however_it_is_shown(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(state=state, file="routes.yaml", message="said")
    assert show(outcome, as_json=False) == show(outcome, as_json=True) == EXIT_CODES[state]
    out, err = capsys.readouterr()
    said, _, as_json = out.partition("{")
    assert json.loads("{" + as_json) == {"state": state, "file": "routes.yaml", "message": "said"}
    assert (said == "said\n") is (EXIT_CODES[state] == 0)
    assert (err == "figueira: error: said\n") is (EXIT_CODES[state] != 0)


def test_what_a_terminal_would_obey_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(
        state="failed",
        file="\033[2Jroutes.yaml",
        message="\033]0;title\007",
        diff=["-a\033[31m", "+b"],
        by_hand=["line 1\r"],
    )
    show(outcome, as_json=False)
    assert "\033" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("environ", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_who_wants_colours(environ: dict[str, str], *, is_terminal: bool, expected: bool) -> None:
    stream = StringIO()
    stream.isatty = lambda: is_terminal  # type: ignore[method-assign]  # a terminal without one
    assert ink_for(stream, environ).is_on is expected


def test_added_and_removed_lines_stand_out() -> None:
    lines = Ink(is_on=True).diff(["@@ -1 +1 @@", "-a", "+b", " c"])
    assert lines == ["\033[36m@@ -1 +1 @@\033[0m", "\033[31m-a\033[0m", "\033[32m+b\033[0m", " c"]
    assert Ink(is_on=False).diff(["-a"]) == ["-a"]
