"""The log's lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.control.log import note, say_refused, start_log, warn
from gateway.errors import Problem
from gateway.telemetry.events import Event


def test_a_line_says_when_how_bad_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    start_log("control")
    note(Event.REVISION_ACCEPTED, revision=7)
    warn(Event.PROCESS_DIED, process="worker", exit=-9)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"[-\d]{10}T[\d:]{8} INFO control: revision_accepted revision=7", first)
    assert second.endswith(" WARNING control: process_died process=worker exit=-9")


def test_starting_the_log_again_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A child takes its own name."""
    start_log("control")
    start_log("worker-0")
    note(Event.STARTED)
    assert capsys.readouterr().err.count("started") == 1


def test_of_thousands_of_problems_the_log_tells_some_and_where_the_others_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A hostile file must not fill the disk, once a flip."""
    start_log("control")
    problems = [Problem(line=n, column=1, path="", message=f"bad {n}") for n in range(1, 2001)]
    say_refused(problems, Path("etc/routes.yaml"), serving=7)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[0].endswith('serving=7 problem="etc/routes.yaml:1:1: error: bad 1"')
    assert lines[-1].endswith('problem="1,980 more; run: figueira check etc/routes.yaml"')
    say_refused([], Path("etc/routes.yaml"), serving=7)
    assert capsys.readouterr().err == ""
