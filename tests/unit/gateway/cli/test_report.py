"""`figueira report` and `figueira evidence`, over a database that a script has filled.

The golden outputs are `golden/report-80.txt` and `golden/report-140.txt`.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import anyio
import msgspec
import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app, run_store
from gateway.cli.ink import Ink
from gateway.cli.report_html import report_html
from gateway.cli.report_text import report_text
from gateway.parallel_run.examples import read_example
from gateway.parallel_run.plan import ReadyWhen
from gateway.parallel_run.report import FORMAT, RunReport
from tests.support import scripted_run
from tests.support.scripted_run import RUN, Script, play
from tests.support.trials import NOW_S

GOLDEN = Path(__file__).parent / "golden"
SECRETS = ("5up3r-s3cr3t", "@shop.example", "a fig tree", "number 1")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one run."""
    file = tmp_path_factory.mktemp("run") / "figueira.db"
    anyio.run(play, f"sqlite+aiosqlite:///{file}", Script(requests=600), NOW_S)
    return file


@pytest.fixture
def database(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, at a known time."""
    copy = tmp_path / "figueira.db"
    with sqlite3.connect(filled) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    monkeypatch.setenv("FIGUEIRA_DATABASE_URL", f"sqlite+aiosqlite:///{copy}")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(run_store, "now_s", lambda: NOW_S + 120)
    return copy


def _figueira(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environment)


@pytest.mark.parametrize("columns", [80, 140])
def test_a_report_in_the_terminal(database: Path, columns: int) -> None:
    del database
    found = _figueira("report", "images", COLUMNS=f"{columns}")
    golden = GOLDEN / f"report-{columns}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(found.stdout)
    assert found.stdout == golden.read_text()
    assert max(map(len, found.stdout.splitlines())) <= columns
    assert found.exit_code == 1


def test_colours_are_for_terminals_alone(database: Path) -> None:
    del database
    assert "\x1b" not in _figueira("report").stdout
    assert "\x1b[31mNOT READY" in _figueira("report", FORCE_COLOR="1").stdout
    assert "\x1b" not in _figueira("report", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_the_json_is_the_whole_report(database: Path) -> None:
    del database
    found = _figueira("report", "images", "--json")
    report = msgspec.json.decode(found.stdout, type=RunReport)
    assert (report.format, report.run, report.state) == (FORMAT, "images", "not ready")
    balance = report.balance
    assert balance.eligible == balance.pending + sum(balance.classes.values())
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("script", "code", "state"),
    [
        (Script(requests=500, faults=False), 0, "READY"),
        (Script(requests=40, faults=False), 3, "INSUFFICIENT"),
        (Script(requests=300), 1, "NOT READY"),
    ],
)
def test_the_exit_code_is_the_verdict(
    script: Script,
    code: int,
    state: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lenient = replace(RUN, ready_when=ReadyWhen(mismatch_rate_below=0.3))
    monkeypatch.setattr(scripted_run, "RUN", lenient)
    url = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    anyio.run(play, url, script, NOW_S)
    monkeypatch.setenv("FIGUEIRA_DATABASE_URL", url)
    monkeypatch.setattr(run_store, "now_s", lambda: NOW_S + 120)
    found = _figueira("report", "images")
    assert found.stdout.startswith(f"images: {state}"), found.stdout
    assert found.exit_code == code


def test_an_unknown_run_cannot_be_told_of(database: Path) -> None:
    del database
    found = _figueira("report", "image")
    assert (found.exit_code, found.stdout) == (2, "")
    assert 'nothing is known of a parallel run "image"; did you mean "images"?' in found.stderr
    found = _figueira("report", "images", "--epoch", "99")
    assert found.exit_code == 2
    assert "images has no epoch 99" in found.stderr


def test_without_a_database_nothing_is_known_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIGUEIRA_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/figueira.db")
    found = _figueira("report")
    assert found.exit_code == 2
    assert "no parallel run has compared anything yet" in found.stderr
    assert _figueira("evidence", "list").stdout == "no parallel run has compared anything yet\n"
    assert not (tmp_path / "figueira.db").exists()


def test_a_database_of_before_parallel_runs_knows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite3.connect(tmp_path / "figueira.db").execute("CREATE TABLE revisions (n)").close()
    monkeypatch.setenv("FIGUEIRA_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/figueira.db")
    assert "no parallel run has compared anything yet" in _figueira("report").stderr


def test_a_report_is_read_while_control_writes(database: Path) -> None:
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE run_epochs SET not_sampled = not_sampled + 1")
    assert _figueira("report", "images").exit_code == 1
    writer.execute("ROLLBACK")
    writer.close()


def test_no_form_of_a_report_names_a_customer(database: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    _figueira("report", "images", "--html", str(page))
    texts = [
        _figueira("report", "images").stdout,
        _figueira("report", "images", "--json").stdout,
        _figueira("evidence", "export", "images").stdout,
        page.read_text(),
        database.read_bytes().decode("latin-1"),
    ]
    for text in texts:
        assert not [each for each in SECRETS if each in text]


def test_examples_are_exported_one_a_line_and_can_be_joined(database: Path) -> None:
    del database
    found = _figueira("evidence", "export", "images")
    examples = [read_example(line) for line in found.stdout.splitlines()]
    assert found.exit_code == 0
    assert {each.place for each in examples} >= {"json:$.served_at", "image:pixels"}
    documents = [each for each in examples if each.stratum == "GET /images/{id} 2xx"]
    for each in documents:
        assert each.request is not None
        assert each.control is not None
        assert each.control.body is not None
        number = each.request.target.rsplit("/", 1)[-1]
        assert json.loads(each.control.body.text)["id"] == int(number)


def test_a_reset_begins_anew_and_is_told(database: Path) -> None:
    del database
    found = _figueira("evidence", "reset", "images", "--because", "deployed  2.4.2")
    assert found.exit_code == 0
    assert "evidence begins anew with the next trial (reset 1)" in found.stdout
    report = _figueira("report", "images")
    assert report.exit_code == 3
    assert "begun anew; no trial has ended since" in report.stdout
    assert "deployed 2.4.2" in report.stdout
    listed = _figueira("evidence", "list", "images").stdout
    assert "nothing yet" in listed
    assert "2.4.1" in listed
    before = json.loads(_figueira("evidence", "list", "--json").stdout)[1]["epoch"]["number"]
    assert _figueira("report", "images", "--epoch", f"{before}").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("evidence", "reset", "images"), 2, "--because"),
        (("evidence", "reset", "images", "--because", " "), 2, "--because is empty"),
        (("evidence", "reset", "pictures", "--because", "x"), 1, "nothing is known"),
        (("evidence", "export", "pictures"), 1, "nothing is known"),
        (("report", "images", "--json", "--html", "x"), 2, "not both"),
        (("report", "images", "--html", "/proc/none/x.html"), 2, "/proc/none/x.html"),
        (("report", "images", "--top", "-1"), 2, "--top"),
    ],
)
def test_wrong_use_is_told(
    database: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    del database
    found = _figueira(*arguments, COLUMNS="200")
    assert found.exit_code == code
    assert said in found.stderr


class _Page(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def _page(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    return page


def test_the_page_needs_nothing_else_and_runs_nothing(database: Path, tmp_path: Path) -> None:
    del database
    file = tmp_path / "report.html"
    found = _figueira("report", "images", "--html", str(file))
    assert found.exit_code == 1
    page = _page(file.read_text())
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    links = [value for name, value in page.attributes if name in {"src", "href"}]
    assert links
    assert all(value.startswith("data:image/png;base64,") for value in links)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("h1") == 1
    assert page.tags.count("img") == len([name for name, _ in page.attributes if name == "alt"])
    assert not re.search(r"url\(|@import", file.read_text())


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def _poisoned(value: object, key: str = "") -> object:
    """The report with hostile words wherever somebody else's could stand."""
    if isinstance(value, str):
        return value if key in {"state", "at", "began_at", "newest_at"} else value + HOSTILE
    if isinstance(value, list):
        return [_poisoned(each, key) for each in value]
    if isinstance(value, dict):
        return {name: _poisoned(each, name) for name, each in value.items()}
    return value


def test_hostile_words_stay_words(database: Path) -> None:
    del database
    report = _figueira("report", "images", "--json").stdout
    poisoned = msgspec.convert(_poisoned(json.loads(report)), RunReport)
    page = _page(report_html(poisoned))
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [value for name, value in page.attributes if name == "src" and "data:" not in value]


def test_hostile_words_command_no_terminal(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del database
    report = _figueira("report", "images", "--json").stdout
    monkeypatch.setitem(globals(), "HOSTILE", "\x1b[2J\x07\u202e")
    poisoned = msgspec.convert(_poisoned(json.loads(report)), RunReport)
    lines = list(report_text(poisoned, Ink(is_on=False), 100))
    assert not [line for line in lines if not line.isprintable()]
    assert max(map(len, lines)) <= 100
