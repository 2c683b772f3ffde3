"""The gateway cannot start: one line says why, and nothing is left running."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.figueira import run, settings_of
from tests.support.routes_file import RoutesFile

pytestmark = pytest.mark.e2e


def _line(folder: Path, **settings: str) -> str:
    """Try to start; return the one line that is said."""
    config = folder / "routes.yaml"
    ended = run("serve", folder=folder, **settings_of(folder, config, **settings))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr.removesuffix("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good routes.yaml."""
    RoutesFile(tmp_path / "routes.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("variable", "whose"),
    [("FIGUEIRA_PORT", "customers'"), ("FIGUEIRA_ADMIN_PORT", "admin")],
)
def test_a_busy_port(folder: Path, variable: str, whose: str) -> None:
    """Which of the two it is, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert _line(folder, **{variable: str(port)}) == (
            f"figueira: error: {whose} port 127.0.0.1:{port}: Address already in use; "
            "stop what uses it or choose another"
        )


def test_a_database_folder_that_cannot_be_written(folder: Path) -> None:
    """Below a regular file nobody can make one, not even root."""
    url = f"sqlite+aiosqlite:///{folder}/routes.yaml/below/figueira.db"
    assert _line(folder, FIGUEIRA_DATABASE_URL=url) == (
        f"figueira: error: cannot use the database {url}: "
        f"[Errno 20] Not a directory: '{folder}/routes.yaml/below'; let this user write the file "
        "and its folder, or name another in FIGUEIRA_DATABASE_URL"
    )


def test_an_access_log_that_cannot_be_written(folder: Path) -> None:
    """Found out before a customer comes."""
    log = f"{folder}/routes.yaml/access.log"
    assert _line(folder, FIGUEIRA_ACCESS_LOG=log) == (
        f"figueira: error: access log {log}: File exists; give a file that can be written"
    )


def test_a_missing_routes_yaml(tmp_path: Path) -> None:
    """The file that was looked for, by its name."""
    assert _line(tmp_path) == (
        f"{tmp_path}/routes.yaml: error: cannot read the file: No such file or directory"
    )


def test_a_routes_yaml_with_a_mistake(folder: Path) -> None:
    """The same line that `figueira check` writes."""
    text = "version: 1\nbackends: {a: {url: 'http://127.0.0.1:1'}}\nroutes: 1\n"
    (folder / "routes.yaml").write_text(text)
    problem = "routes: must be a list, not the number 1"
    assert _line(folder) == f"{folder}/routes.yaml:3:9: error: {problem}"


def test_a_number_that_is_none(folder: Path) -> None:
    """The variable and its value."""
    assert _line(folder, FIGUEIRA_WORKERS="two") == (
        "figueira: error: FIGUEIRA_WORKERS: 'two' is not a whole number from 1 to 64; give one"
    )
