"""`figueira serve` that cannot start: one line, exit code 1. And the command as a whole."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.serve import serve
from gateway.settings import VARIABLES
from tests.support import flippable


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None of our variables is set, and the folder holds no history."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("FIGUEIRA_"):
            monkeypatch.delenv(name)


def test_a_setting_that_cannot_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve({"port": 70000}) == 1
    assert capsys.readouterr() == (
        "",
        "figueira: error: --port: '70000' is not a whole number from 0 to 65535; give one\n",
    )


def test_a_port_that_cannot_be_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = flippable.write(tmp_path)
    assert serve({"config": config, "host": "192.0.2.1", "access_log": "off"}) == 1
    assert capsys.readouterr().err == (
        "figueira: error: customers' port 192.0.2.1:8000: Cannot assign requested address; "
        "give an address of this machine\n"
    )


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve({"config": tmp_path / "none.yaml"}) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path}/none.yaml: error: cannot read the file: No such file or directory\n"
    )


def test_a_bad_file_has_a_line_for_each_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "routes.yaml"
    config.write_text("version: 2\nbackends: {}\n")
    assert serve({"config": config}) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    assert all(line.startswith(f"{config}:") and ": error: " in line for line in lines)


def test_where_there_is_a_history_a_bad_file_is_told_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "figueira.db").touch()
    assert serve({"config": tmp_path / "none.yaml"}) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        "figueira: note: with --resume the last accepted revision serves until the file is mended"
    ]


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"figueira {version('figueira')}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "http"],
        ["serve", "--port", "99999"],
        ["serve", "--admin-port", "-1"],
        ["serve", "--workers", "0"],
        ["serve", "--nope"],
        ["explain", "GET"],
        ["nope"],
    ],
)
def test_wrong_use_has_exit_code_2_and_nothing_on_standard_output(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "99999 is not a whole number from 0 to 65535"),
        (["--admin-port", "65536"], "65536 is not a whole number from 0 to 65535"),
        (["--workers", "65"], "65 is not a whole number from 1 to 64"),
    ],
)
def test_a_number_out_of_range_is_told_the_range(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["serve", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert said in result.stderr


def test_every_option_of_serve_has_a_variable_as_its_help_says() -> None:
    """FIGUEIRA_PORT for --port, and so on."""
    result = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"})
    options = {
        word.strip("-,").replace("-", "_")
        for word in result.stdout.split()
        if word.startswith("--") and word != "--help"
    }
    without = {"database_url", "max_client_connections", "token_key"}
    assert options == set(VARIABLES.values()) - without
