"""``figueira check``: what it says, where, and the exit code."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from gateway.cli.check import check

GOOD = """\
version: 1
backends:
  legacy: {url: "${FIGUEIRA_TEST_URL:-http://127.0.0.1:8001}"}
routes:
  - {name: all, match: {path_prefix: /}, backend: legacy}
"""
BAD = GOOD.replace("backend: legacy", "backend: legcy, wieght: 5")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good routes.yaml."""
    path = tmp_path / "routes.yaml"
    path.write_text(GOOD, "utf-8")
    return path


def test_a_good_file_is_ok_on_standard_output(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(file, as_json=False) == 0
    assert capsys.readouterr() == (f"{file}: ok: 1 route, 1 backend\n", "")


def test_problems_are_lines_on_standard_error(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each at its place, and their number at the end."""
    file.write_text(BAD, "utf-8")
    assert check(file, as_json=False) == 1
    out, err = capsys.readouterr()
    known = "backend, match, name, owner, parallel_run, split, sticky"
    assert out == ""
    assert err.splitlines() == [
        f'{file}:5:51: error: routes[0].backend: unknown backend "legcy" (did you mean "legacy"?)',
        f'{file}:5:58: error: routes[0]: unknown key "wieght" (known keys: {known})',
        f"2 problems in {file}",
    ]


def test_json_is_one_object_on_standard_output(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(file, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "ok": True,
        "problems": [],
        "warnings": [],
    }
    file.write_text(BAD.replace(", wieght: 5", ""), "utf-8")
    assert check(file, as_json=True) == 1
    out, err = capsys.readouterr()
    problem = {
        "line": 5,
        "column": 51,
        "path": "routes[0].backend",
        "message": 'unknown backend "legcy"',
        "hint": 'did you mean "legacy"?',
    }
    assert json.loads(out) == {
        "file": str(file),
        "ok": False,
        "problems": [problem],
        "warnings": [],
    }
    assert err == ""


@pytest.fixture
def doubtful(file: Path) -> Path:
    """A good file in which a method of a list is without effect."""
    routes = (
        "  - {name: get, match: {path: /a, methods: [GET]}, backend: legacy}\n"
        "  - {name: both, match: {path: /a, methods: [PUT, GET]}, backend: legacy}\n"
    )
    file.write_text(GOOD.replace("routes:\n", f"routes:\n{routes}"), "utf-8")
    return file


def test_a_warning_is_told_and_keeps_the_file_good(
    doubtful: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(doubtful, as_json=False) == 0
    out, err = capsys.readouterr()
    assert out == f"{doubtful}: ok: 3 routes, 1 backend, 1 warning\n"
    assert err == (
        f"{doubtful}:6:51: warning: routes[1].match.methods[1]: GET has no effect here: "
        f'route "get" (line 5) takes these requests (remove it)\n'
    )


def test_json_has_the_warnings(doubtful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(doubtful, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    (warning,) = told["warnings"]
    assert (warning["line"], warning["path"]) == (6, "routes[1].match.methods[1]")


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
    ids=["pipe", "forced", "forbidden"],
)
def test_colour_is_for_terminals(
    file: Path,
    environment: dict[str, str],
    is_coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without it, the words are the same."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file.write_text(BAD, "utf-8")
    check(file, as_json=False)
    err = capsys.readouterr().err
    assert ("\x1b[31m error: \x1b[0m" in err) is is_coloured
    assert f"{file}:5:51: error: " in re.sub(r"\x1b\[[0-9]*m", "", err)


def test_the_environment_is_the_process_own(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIGUEIRA_TEST_URL", "ftp://h")
    assert check(file, as_json=False) == 1
    assert '"ftp://h"' in capsys.readouterr().err


def test_a_ca_file_that_cannot_be_used_is_a_problem_at_its_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is looked for beside the file, wherever the command was given."""
    backend = '{url: "https://legacy", tls: {ca: own/ca.pem}}'
    file.write_text(GOOD.replace('{url: "${FIGUEIRA_TEST_URL:-http://127.0.0.1:8001}"}', backend))
    assert check(file, as_json=False) == 1
    expected = (
        f'{file}:3:45: error: backends.legacy.tls.ca: cannot read "own/ca.pem": '
        f"No such file or directory (looked for in {file.parent})"
    )
    assert capsys.readouterr().err.splitlines()[0] == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.yaml", "No such file or directory"), ("", "Is a directory")],
    ids=["missing", "directory"],
)
def test_a_file_that_cannot_be_read_is_a_problem(
    tmp_path: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert check(path, as_json=False) == 1
    expected = f"{path}: error: cannot read the file: {reason}\n1 problem in {path}\n"
    assert capsys.readouterr().err == expected


def test_a_huge_file_is_refused_with_its_size(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is sparse here: a gigabyte that would take long to read."""
    os.truncate(file, 1 << 30)
    assert check(file, as_json=False) == 1
    assert "1,073,741,824 bytes" in capsys.readouterr().err


def test_a_name_that_is_no_text_is_still_shown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = file.rename(file.parent / os.fsdecode(b"caf\xe9.yaml"))
    assert check(strange, as_json=False) == 0
    assert "caf\\xe9.yaml: ok" in capsys.readouterr().out
