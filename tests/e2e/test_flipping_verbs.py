"""`set`, `undo`, `history` and `reload` as an operator gives them, beside a real gateway."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.conftest import Backends, Start
from tests.support.figueira import COMMAND, Figueira, run, serving
from tests.support.processes import free_port
from tests.support.routes_file import SHIPPED, RoutesFile

pytestmark = pytest.mark.e2e

USER = pwd.getpwuid(os.getuid()).pw_name
Ended = subprocess.CompletedProcess[str]


def _give(figueira: Figueira, *words: str, **settings: str) -> Ended:
    """Give a command in the gateway's folder, as its operator."""
    path = figueira.routes.path
    return run(
        *words,
        folder=path.parent,
        FIGUEIRA_ADMIN_PORT=str(figueira.admin.base_url.port),
        **settings,
    )


def _weight(figueira: Figueira) -> float:
    weights: dict[str, float] = figueira.status()["routes"][0]["backends"]
    return weights["image_service"]


def _json(ended: Ended) -> dict[str, Any]:
    assert ended.stderr == ""
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_set_changes_one_number_and_returns_when_every_worker_serves_by_it(start: Start) -> None:
    """It shows the line and says who moves; nothing else of the file changes."""
    with start() as figueira:
        before = figueira.routes.text
        ended = _give(figueira, "set", "images", "image_service=25")
        status = figueira.status()
        assert (_weight(figueira), status["revision"]["number"]) == (25, 2)
        assert [worker["revision"] for worker in status["workers"]] == [2, 2]
        assert (ended.returncode, ended.stderr) == (0, "")
        assert figueira.routes.text == before.replace("{image_service: 0,", "{image_service: 25,")
        number = before[: before.index("{image_service: 0,")].count("\n") + 1
        lines = before.splitlines()
        old = lines[number - 1]
        assert ended.stdout.splitlines()[:-1] == [
            "--- routes.yaml",
            "+++ routes.yaml",
            f"@@ -{number - 1},3 +{number - 1},3 @@",
            f" {lines[number - 2]}",
            f"-{old}",
            f"+{old.replace('image_service: 0', 'image_service: 25')}",
            f" {lines[number]}",
            "",
            "images: image_service 0 -> 25 %, legacy 100 -> 75 %",
            "  25 % of customers move from legacy to image_service; nobody moves the other way",
            "  a customer is told by header X-Customer-Id, else cookie customer, else client_ip",
            "  what exists stays with the side that made it: this moves new work alone",
            "",
        ]
        assert re.fullmatch(
            r"revision 2 serves on 2 workers, \d+ ms after the change began",
            ended.stdout.splitlines()[-1],
        )
        again = _give(figueira, "set", "images", "image_service=25")
        assert (again.returncode, again.stdout) == (
            0,
            "images has these weights already; nothing to change\n",
        )
        assert figueira.status()["revision"]["number"] == 2


def test_undo_goes_back_step_by_step_and_forward_by_number(start: Start) -> None:
    """Comments and all; a second undo does not bring back what the first has undone."""
    with start() as figueira:
        texts = [figueira.routes.text]
        for percent in (5, 25, 100):
            assert _give(figueira, "set", "images", f"image_service={percent}").returncode == 0
            texts.append(figueira.routes.text)
        for back in (2, 1, 0):
            ended = _give(figueira, "undo")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert figueira.routes.text == texts[back]
        assert _weight(figueira) == 0
        last = _give(figueira, "undo")
        assert (last.returncode, last.stdout) == (1, "")
        assert last.stderr == "figueira: error: there is nothing before revision 1\n"
        assert _give(figueira, "undo", "--to", "4").returncode == 0
        assert (figueira.routes.text, _weight(figueira)) == (texts[3], 100)
        undone = _give(figueira, "undo", "--to", "99")
        assert undone.returncode == 1
        assert "there is no revision 99 (figueira history lists them)" in undone.stderr


def test_undo_mends_a_broken_file_and_a_deleted_one(start: Start) -> None:
    """What serves is written back; nobody moves, and the broken file was never in effect."""
    with start() as figueira:
        assert _give(figueira, "set", "images", "image_service=25").returncode == 0
        good = figueira.routes.text
        for damaged in (good.replace("split:", "splitt:"), "\tno yaml at all", None):
            if damaged is None:
                figueira.routes.remove()
            else:
                figueira.routes.rename_over(damaged)
            figueira.wait_for_problems()
            refused = _give(figueira, "set", "images", "image_service=50")
            assert refused.returncode == 1
            ended = _give(figueira, "undo")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert "this is what serves: nobody moves" in ended.stdout
            assert figueira.routes.text == good
            status = figueira.wait_for_good_file()
            assert status["revision"]["number"] == 2


def test_history_tells_who_changed_what_and_what_was_refused(start: Start) -> None:
    with start() as figueira:
        _give(figueira, "set", "images", "image_service=25")
        text = figueira.routes.text
        figueira.change(RoutesFile.rename_over, figueira.routes.flipped(50))
        figueira.routes.rename_over(text.replace("split:", "splitt:"))
        figueira.wait_for_problems()
        _give(figueira, "undo", "--to", "2")
        head, *rows = _give(figueira, "history").stdout.splitlines()
        assert re.fullmatch(r"REVISION  WHEN \(\S+\) +WHO +SHA-256 +CHANGE", head)
        cells = [re.split(r" {2,}", row.strip("* ")) for row in rows]
        assert [(row[0], row[2], *row[4:]) for row in cells] == [
            ("4", USER, "+1 -1", "undo --to 2"),
            (
                "refused",
                "-",
                'routes.yaml:22:5: error: routes[0]: unknown key "splitt" (did you mean "split"?)',
            ),
            ("3", "-", "+1 -1", f"{_changed_line(text, 50)[:57]}..."),
            ("2", USER, "+1 -1", "set images image_service=25"),
            ("1", "-"),
        ]
        assert [row[0] for row in rows] == ["*", "r", " ", " ", " "]
        listed = _json(_give(figueira, "history", "--json"))
        assert [line["number"] for line in listed["revisions"]] == [4, 3, 2, 1]
        assert [line["restores"] for line in listed["revisions"]] == [2, None, None, None]
        few = _json(_give(figueira, "history", "--json", "--limit", "1"))
        assert len(few["revisions"]) == 1
        shown = _give(figueira, "history", "2").stdout.splitlines()
        assert shown[0] == "revision 2 (accepted)"
        assert f"  who      {USER}" in shown
        assert "  how      figueira set images image_service=25" in shown
        assert _give(figueira, "history", "3", "--text").stdout == text.replace(
            "service: 25", "service: 50"
        )
        missing = _give(figueira, "history", "77")
        assert (missing.returncode, missing.stdout) == (1, "")


def _changed_line(text: str, percent: int) -> str:
    line = next(line for line in text.splitlines() if "FLIP" in line)
    return " ".join(line.replace("service: 25", f"service: {percent}").split())


def test_without_a_gateway_the_file_is_changed_and_the_history_is_read_all_the_same(
    start: Start,
) -> None:
    """Exit code 3 tells a script that nothing serves by it yet; `--admin none` asks for that."""
    with start() as figueira:
        _give(figueira, "set", "images", "image_service=25")
        assert figueira.stop() == 0
        database = f"sqlite+aiosqlite:///{figueira.access_log.parent}/state/figueira.db"
        settings = {"FIGUEIRA_DATABASE_URL": database}
        ended = _give(figueira, "set", "images", "image_service=50", **settings)
        assert ended.returncode == 3
        url = str(figueira.admin.base_url).rstrip("/")
        assert ended.stderr == (
            f"figueira: error: routes.yaml is changed, but no gateway is running at {url}\n"
        )
        assert "{image_service: 50," in figueira.routes.text
        alone = _give(figueira, "set", "images", "image_service=60", "--admin", "none", **settings)
        assert (alone.returncode, alone.stderr) == (0, "")
        undone = _give(figueira, "undo", **settings)
        assert undone.returncode == 3
        assert "{image_service: 25," in figueira.routes.text
        listed = _give(figueira, "history", **settings)
        assert listed.returncode == 0
        assert listed.stderr == (
            f"figueira: note: no gateway is running at {url}; this is from its database\n"
        )
        assert "set images image_service=25" in listed.stdout
        reloaded = _give(figueira, "reload", **settings)
        assert (reloaded.returncode, reloaded.stdout) == (3, "")
        nowhere = {"FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{free_port()}/none.db"}
        empty = _give(figueira, "history", **nowhere)
        assert (empty.returncode, empty.stdout.split(":")[0]) == (0, "no revision yet")
        assert not Path(figueira.routes.path.parent, nowhere["FIGUEIRA_DATABASE_URL"]).exists()


def test_a_dry_run_tells_everything_and_changes_nothing(start: Start) -> None:
    with start() as figueira:
        _give(figueira, "set", "images", "image_service=25")
        before = (figueira.routes.text, figueira.routes.path.stat().st_mtime_ns)
        for words in (["set", "images", "image_service=75"], ["undo"]):
            ended = _give(figueira, *words, "--dry-run")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert ended.stdout.endswith("\nnothing was changed (dry run)\n")
            found = _json(_give(figueira, *words, "--dry-run", "--json"))
            assert (found["state"], found["effects"][0]["route"]) == ("dry_run", "images")
        assert (figueira.routes.text, figueira.routes.path.stat().st_mtime_ns) == before
        assert figueira.status()["revision"]["number"] == 2


def test_json_is_one_object_whatever_comes_of_it(start: Start) -> None:
    with start() as figueira:
        done = _json(_give(figueira, "set", "images", "image_service=25", "--json"))
        assert (done["state"], done["revision"]) == ("serving", 2)
        assert done["effects"][0]["moved"] == [
            {"origin": "legacy", "target": "image_service", "percent": 25.0}
        ]
        assert 0 < done["in_effect_after_s"] < 5
        ended = _give(figueira, "set", "image", "image_service=25", "--json")
        assert (ended.returncode, _json(ended)["hint"]) == (1, 'did you mean "images"?')
        reloaded = _json(_give(figueira, "reload", "--json"))
        assert (reloaded["revision"], reloaded["behind"]) == (2, [])
        undone = _json(_give(figueira, "undo", "--json"))
        assert (undone["state"], undone["revision"]) == ("serving", 3)


def test_a_read_only_file_is_refused_with_the_edit_to_make_by_hand(start: Start) -> None:
    """Whoever took the right to write away meant it, root or not."""
    with start() as figueira:
        figueira.routes.path.chmod(0o444)
        before = figueira.routes.text
        ended = _give(figueira, "set", "images", "image_service=25")
        line, column = _place_of_the_number(before)
        assert ended.returncode == 1
        assert ended.stderr.splitlines() == [
            "figueira: error: cannot replace routes.yaml: it is read-only; nothing was changed "
            "(make this edit by hand)",
            f"  line {line}, column {column}: 0 -> 25",
        ]
        assert "-    split: {image_service: 0, legacy: rest}" in ended.stdout
        found = json.loads(_give(figueira, "set", "images", "image_service=25", "--json").stdout)
        assert found["by_hand"] == [f"line {line}, column {column}: 0 -> 25"]
        assert (figueira.routes.text, _weight(figueira)) == (before, 0)
        assert sorted(path.name for path in figueira.routes.path.parent.iterdir()) == [
            "routes.yaml"
        ]


def _place_of_the_number(text: str) -> tuple[int, int]:
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "# FLIP" in line)
    return line, text.splitlines()[line - 1].index(": 0,") + 3


def test_a_variable_that_only_the_gateway_has_is_no_obstacle(start: Start) -> None:
    """The gateway serves that very text; what is unset here was unset before the edit."""
    with start() as figueira:
        text = figueira.routes.text.replace("${LEGACY_URL:-http://127.0.0.1:8001}", "${LEGACY_URL}")
        figueira.change(RoutesFile.rename_over, text)
        for words in (["set", "images", "image_service=25"], ["undo"]):
            ended = _give(figueira, *words)
            assert (ended.returncode, ended.stderr) == (0, "")
        assert figueira.stop() == 0
        ended = _give(figueira, "set", "images", "image_service=25")
        assert (ended.returncode, figueira.routes.text) == (1, text)
        assert 'the environment variable "LEGACY_URL" is not set' in ended.stderr


def test_a_revision_that_the_gateway_cannot_use_any_more_is_not_gone_back_to(start: Start) -> None:
    """A file that it names has gone meanwhile."""
    with start() as figueira:
        authority = figueira.routes.path.with_name("ca.pem")
        trustme.CA().cert_pem.write_to_path(str(authority))
        text = figueira.routes.text.replace(
            "url: ${IMAGE_SERVICE_URL:-http://127.0.0.1:8002}",
            f'url: "https://127.0.0.1:1"\n    tls: {{ca: {authority.name}}}',
        )
        figueira.change(RoutesFile.rename_over, text)
        figueira.change(RoutesFile.rename_over, figueira.routes.flipped(25))
        authority.unlink()
        refused = _give(figueira, "undo", "--to", "2")
        assert refused.returncode == 1
        assert "revision 2 cannot be used any more; nothing was changed" in refused.stderr
        assert "cannot read" in refused.stderr
        assert _give(figueira, "undo", "--to", "1").returncode == 0


def test_a_link_stays_a_link_and_the_mode_stays(start: Start) -> None:
    with start() as figueira:
        figueira.flip(10, RoutesFile.swap_symlink)
        target = figueira.routes.path.resolve()
        target.chmod(0o640)
        assert _give(figueira, "set", "images", "image_service=25").returncode == 0
        assert figueira.routes.path.is_symlink()
        assert figueira.routes.path.resolve() == target
        assert target.stat().st_mode & 0o777 == 0o640
        assert _weight(figueira) == 25


def test_two_operators_at_once_each_change_what_they_read_or_are_told(start: Start) -> None:
    """Ten commands at a time: each is in effect, or says that somebody else was faster."""
    with start() as figueira:
        port = str(figueira.admin.base_url.port)
        environ = {**os.environ, "FIGUEIRA_ADMIN_PORT": port}
        commands = [
            subprocess.Popen(  # noqa: S603 - our own command
                [*COMMAND, "set", "images", f"image_service={percent}", "--json"],
                cwd=figueira.routes.path.parent,
                env=environ,
                stdout=subprocess.PIPE,
                text=True,
            )
            for percent in range(1, 11)
        ]
        states = [json.loads(command.communicate(timeout=60)[0]) for command in commands]
        assert {found["state"] for found in states} <= {"serving", "overtaken", "failed"}
        failed = [found["message"] for found in states if found["state"] == "failed"]
        assert all("changed" in message or "something else" in message for message in failed)
        listed = _json(_give(figueira, "history", "--json"))
        written = {line["how"] for line in listed["revisions"]}
        assert len(written) >= len([found for found in states if found["state"] == "serving"])
        assert not figueira.status()["config"]["problems"]


def test_a_file_that_no_gateway_here_runs_by_is_not_changed_by_mistake(
    start: Start, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SHIPPED.read_text().replace("# FLIP", "# FLOP"))
    with start() as figueira:
        ended = _give(figueira, "set", "images", "image_service=25", "--config", str(other))
        assert (ended.returncode, ended.stdout) == (1, "")
        path = figueira.routes.path
        assert f"runs by {path}, which holds something else than {other}" in ended.stderr
        assert "image_service: 0" in other.read_text()
        # From anywhere, without a name, the gateway's own file is meant.
        anywhere = run(
            "set",
            "images",
            "image_service=25",
            folder=tmp_path,
            FIGUEIRA_ADMIN_PORT=str(figueira.admin.base_url.port),
        )
        assert (anywhere.returncode, anywhere.stderr) == (0, "")
        assert _weight(figueira) == 25


def test_a_reload_of_a_bad_file_has_its_problems_and_exit_code_1(start: Start) -> None:
    with start() as figueira:
        good = figueira.routes.text
        figueira.routes.rename_over(good.replace("split:", "splitt:"))
        ended = _give(figueira, "reload")
        path = figueira.routes.path
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.splitlines() == [
            f'{path}:22:5: error: routes[0]: unknown key "splitt" (did you mean "split"?)',
            f"figueira: error: 1 problem in {path}; revision 1 serves on",
        ]
        figueira.routes.rename_over(figueira.routes.text.replace("splitt:", "split:"))
        mended = _give(figueira, "reload")
        assert mended.returncode == 0
        assert mended.stdout.startswith(f"revision 1 serves on 2 workers: {path} (")


def test_a_worker_that_hangs_is_told_and_the_flip_is_not_called_done(start: Start) -> None:
    """Exit code 3; when it goes on, it follows."""
    with start() as figueira:
        worker = figueira.status()["workers"][1]["pid"]
        os.kill(worker, signal.SIGSTOP)
        try:
            ended = _give(figueira, "set", "images", "image_service=25")
        finally:
            os.kill(worker, signal.SIGCONT)
        assert ended.returncode == 3
        assert ended.stderr == (
            "figueira: error: revision 2 is accepted, but worker 1 has not taken it and may hang "
            "(figueira reload looks again)\n"
        )
        assert _give(figueira, "reload").returncode == 0


@pytest.mark.parametrize(
    ("settings", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_unless_somebody_asks(
    start: Start, settings: dict[str, str], *, is_coloured: bool
) -> None:
    with start() as figueira:
        for words in (["set", "images", "image_service=9", "--dry-run"], ["history"]):
            assert ("\033[" in _give(figueira, *words, **settings).stdout) is is_coloured


@pytest.mark.parametrize(
    "words",
    [
        ["set", "images"],
        ["set", "images", "image_service"],
        ["set", "images", "image_service=101"],
        ["set", "images", "image_service=0.0001"],
        ["set", "images", "image_service=1", "image_service=2"],
        ["set", "images", "image_service=1", "--admin", "ftp://x"],
        ["undo", "--to", "0"],
        ["history", "--text"],
        ["history", "--limit", "0"],
        ["reload", "--admin", "localhost:9000"],
    ],
    ids=" ".join,
)
def test_wrong_use_has_exit_code_2(tmp_path: Path, words: list[str]) -> None:
    ended = run(*words, folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")


def test_a_restart_with_a_broken_file_serves_by_the_last_good_revision_if_asked_to(
    backends: Backends, tmp_path: Path
) -> None:
    """Without --resume it does not start, and says why; with it, `undo` mends the file."""
    (tmp_path / "one").mkdir()
    database = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    settings = {**backends.settings, "FIGUEIRA_DATABASE_URL": database}
    with serving(tmp_path / "one", **settings) as figueira:
        assert _give(figueira, "set", "images", "image_service=25").returncode == 0
        good = figueira.routes.text
        figueira.routes.rename_over(good.replace("split:", "splitt:"))
        figueira.wait_for_problems()
    bad = figueira.routes.text
    refused = run("serve", "--config", str(figueira.routes.path), folder=tmp_path, **settings)
    assert (refused.returncode, "unknown key" in refused.stderr) == (1, True)
    (tmp_path / "two").mkdir()
    with serving(tmp_path / "two", bad, **settings, FIGUEIRA_RESUME="1") as figueira:
        status = figueira.status()
        assert (status["revision"]["number"], _weight(figueira)) == (2, 25)
        assert not status["config"]["ok"]
        assert figueira.ready() == 200
        assert len(figueira.events("revision_resumed")) == 1
        assert len(figueira.events("revision_refused")) == 1
        ended = _give(figueira, "undo")
        assert (ended.returncode, figueira.routes.text) == (0, good)
        assert figueira.wait_for_good_file()["revision"]["number"] == 2
