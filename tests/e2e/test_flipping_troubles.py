"""`set`, `undo` and `reload` where something is in the way: each says what, and what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import trustme

from tests.e2e.conftest import Backends, Start
from tests.e2e.operator import give, json_of, weight
from tests.support.figueira import COMMAND, run, serving
from tests.support.polling import eventually
from tests.support.processes import free_port
from tests.support.routes_file import SHIPPED, RoutesFile

pytestmark = pytest.mark.e2e


def test_without_a_gateway_the_file_is_changed_and_the_history_is_read_all_the_same(
    start: Start,
) -> None:
    """Exit code 3 tells a script that nothing serves by it yet; `--admin none` asks for that."""
    with start() as figueira:
        give(figueira, "set", "images", "image_service=25")
        assert figueira.stop() == 0
        database = f"sqlite+aiosqlite:///{figueira.access_log.parent}/state/figueira.db"
        settings = {"FIGUEIRA_DATABASE_URL": database}
        ended = give(figueira, "set", "images", "image_service=50", **settings)
        assert ended.returncode == 3
        url = str(figueira.admin.base_url).rstrip("/")
        assert ended.stderr == (
            f"figueira: error: routes.yaml is changed, but no gateway is running at {url}\n"
        )
        assert "{image_service: 50," in figueira.routes.text
        alone = give(figueira, "set", "images", "image_service=60", "--admin", "none", **settings)
        assert (alone.returncode, alone.stderr) == (0, "")
        undone = give(figueira, "undo", **settings)
        assert undone.returncode == 3
        assert "{image_service: 25," in figueira.routes.text
        listed = give(figueira, "history", **settings)
        assert listed.returncode == 0
        assert listed.stderr == (
            f"figueira: note: no gateway is running at {url}; this is from its database\n"
        )
        assert "set images image_service=25" in listed.stdout
        reloaded = give(figueira, "reload", **settings)
        assert (reloaded.returncode, reloaded.stdout) == (3, "")
        nowhere = {"FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{free_port()}/none.db"}
        empty = give(figueira, "history", **nowhere)
        assert (empty.returncode, empty.stdout.split(":")[0]) == (0, "no revision yet")
        assert not Path(figueira.routes.path.parent, nowhere["FIGUEIRA_DATABASE_URL"]).exists()


def test_a_read_only_file_is_refused_with_the_edit_to_make_by_hand(start: Start) -> None:
    """Whoever took the right to write away meant it, root or not."""
    with start() as figueira:
        figueira.routes.path.chmod(0o444)
        before = figueira.routes.text
        ended = give(figueira, "set", "images", "image_service=25")
        line, column = _place_of_the_number(before)
        assert ended.returncode == 1
        assert ended.stderr.splitlines() == [
            "figueira: error: cannot replace routes.yaml: it is read-only; nothing was changed "
            "(make this edit by hand)",
            f"  line {line}, column {column}: 0 -> 25",
        ]
        assert "-    split: {image_service: 0, legacy: rest}" in ended.stdout
        found = json.loads(give(figueira, "set", "images", "image_service=25", "--json").stdout)
        assert found["by_hand"] == [f"line {line}, column {column}: 0 -> 25"]
        assert (figueira.routes.text, weight(figueira)) == (before, 0)
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
            ended = give(figueira, *words)
            assert (ended.returncode, ended.stderr) == (0, "")
        assert figueira.stop() == 0
        ended = give(figueira, "set", "images", "image_service=25")
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
        refused = give(figueira, "undo", "--to", "2")
        assert refused.returncode == 1
        assert "revision 2 cannot be used any more; nothing was changed" in refused.stderr
        assert "cannot read" in refused.stderr
        assert give(figueira, "undo", "--to", "1").returncode == 0


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
        listed = json_of(give(figueira, "history", "--json"))
        written = {line["how"] for line in listed["revisions"]}
        assert len(written) >= len([found for found in states if found["state"] == "serving"])
        assert not figueira.status()["config"]["problems"]


def test_a_file_that_no_gateway_here_runs_by_is_not_changed_by_mistake(
    start: Start, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SHIPPED.read_text().replace("# FLIP", "# FLOP"))
    with start() as figueira:
        ended = give(figueira, "set", "images", "image_service=25", "--config", str(other))
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
        assert weight(figueira) == 25


def test_a_reload_of_a_bad_file_has_its_problems_and_exit_code_1(start: Start) -> None:
    with start() as figueira:
        good = figueira.routes.text
        figueira.routes.rename_over(good.replace("split:", "splitt:"))
        ended = give(figueira, "reload")
        path = figueira.routes.path
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.splitlines() == [
            f'{path}:26:5: error: routes[0]: unknown key "splitt" (did you mean "split"?)',
            f"figueira: error: 1 problem in {path}; revision 1 serves on",
        ]
        figueira.routes.rename_over(figueira.routes.text.replace("splitt:", "split:"))
        mended = give(figueira, "reload")
        assert mended.returncode == 0
        assert mended.stdout.startswith(f"revision 1 serves on 2 workers: {path} (")


def test_a_worker_that_hangs_is_told_and_the_flip_is_not_called_done(start: Start) -> None:
    """Exit code 3; when it goes on, it follows."""
    with start() as figueira:
        worker = figueira.status()["workers"][1]["pid"]
        os.kill(worker, signal.SIGSTOP)
        try:
            ended = give(figueira, "set", "images", "image_service=25")
        finally:
            os.kill(worker, signal.SIGCONT)
        assert ended.returncode == 3
        assert ended.stderr == (
            "figueira: error: revision 2 is accepted, but worker 1 has not taken it and may hang "
            "(figueira reload looks again)\n"
        )
        assert give(figueira, "reload").returncode == 0


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
        ["reload", "--admin", "none"],
    ],
    ids=" ".join,
)
def test_wrong_use_has_exit_code_2(tmp_path: Path, words: list[str]) -> None:
    ended = run(*words, folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")


def test_a_restart_without_the_file_serves_by_the_last_good_revision_if_asked_to(
    backends: Backends, tmp_path: Path
) -> None:
    """Whoever has deleted it is as badly off as whoever has broken it; `undo` writes it back."""
    (tmp_path / "one").mkdir()
    database = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    settings = {**backends.settings, "FIGUEIRA_DATABASE_URL": database, "FIGUEIRA_RESUME": "1"}
    with serving(tmp_path / "one", **settings) as figueira:
        good = figueira.routes.text
        figueira.routes.path.unlink()
        figueira.wait_for_problems()
        ended = give(figueira, "set", "images", "image_service=5")
        assert "figueira undo writes back what serves" in ended.stderr
    (tmp_path / "two").mkdir()
    prefix = ("sh", "-c", 'rm "$FIGUEIRA_CONFIG"; exec "$@"', "sh")
    with serving(tmp_path / "two", prefix=prefix, **settings) as figueira:
        assert len(figueira.events("revision_resumed")) == 1
        ended = give(figueira, "undo")
        assert (ended.returncode, figueira.routes.text) == (0, good)


def test_the_file_that_a_restart_could_not_use_is_in_the_history(
    backends: Backends, tmp_path: Path
) -> None:
    """Refused files are listed where they happened, also those that nobody served before."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    database = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    settings = {**backends.settings, "FIGUEIRA_DATABASE_URL": database, "FIGUEIRA_RESUME": "1"}
    with serving(tmp_path / "one", **settings) as figueira:
        good = figueira.routes.text
    with serving(tmp_path / "two", good.replace("split:", "splitt:"), **settings) as figueira:

        def refusal() -> str | None:
            found = json.loads(give(figueira, "history", "--json").stdout)["refusals"]
            return found[0]["problem"] if found else None

        assert 'unknown key "splitt"' in eventually(refusal, "a refusal in the history")


def test_where_there_is_nothing_to_resume_that_is_said_as_well(tmp_path: Path) -> None:
    """Of the file, every problem on a line of its own, as without --resume."""
    (tmp_path / "routes.yaml").write_text("version: 2\nbackends: {}\n")
    environment = {"FIGUEIRA_PORT": "0", "FIGUEIRA_ADMIN_PORT": "0"}
    ended = run("serve", "--resume", folder=tmp_path, **environment)
    *problems, last = ended.stderr.splitlines()
    assert (ended.returncode, len(problems) > 1) == (1, True)
    assert all(line.startswith("routes.yaml:") for line in problems)
    assert last == (
        "routes.yaml: error: --resume: the database has no accepted revision to begin with "
        "(mend the file)"
    )


def test_an_undo_without_gateway_and_history_says_that(tmp_path: Path) -> None:
    """Nothing that serves is looked for where nothing runs."""
    ended = run("undo", "--admin", "http://127.0.0.1:1", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == (
        "figueira: error: no gateway is running at http://127.0.0.1:1, and its database has no "
        "revision (nothing was changed; FIGUEIRA_DATABASE_URL names another)\n"
    )


def test_a_restart_with_a_broken_file_serves_by_the_last_good_revision_if_asked_to(
    backends: Backends, tmp_path: Path
) -> None:
    """Without --resume it does not start, and says why; with it, `undo` mends the file."""
    (tmp_path / "one").mkdir()
    database = f"sqlite+aiosqlite:///{tmp_path}/figueira.db"
    settings = {**backends.settings, "FIGUEIRA_DATABASE_URL": database}
    with serving(tmp_path / "one", **settings) as figueira:
        assert give(figueira, "set", "images", "image_service=25").returncode == 0
        good = figueira.routes.text
        figueira.routes.rename_over(good.replace("split:", "splitt:"))
        figueira.wait_for_problems()
    bad = figueira.routes.text
    refused = run("serve", "--config", str(figueira.routes.path), folder=tmp_path, **settings)
    assert (refused.returncode, "unknown key" in refused.stderr) == (1, True)
    (tmp_path / "two").mkdir()
    with serving(tmp_path / "two", bad, **settings, FIGUEIRA_RESUME="1") as figueira:
        status = figueira.status()
        assert (status["revision"]["number"], weight(figueira)) == (2, 25)
        assert not status["config"]["ok"]
        assert figueira.ready() == 200
        assert len(figueira.events("revision_resumed")) == 1
        assert len(figueira.events("revision_refused")) == 1
        ended = give(figueira, "undo")
        assert (ended.returncode, figueira.routes.text) == (0, good)
        assert figueira.wait_for_good_file()["revision"]["number"] == 2
