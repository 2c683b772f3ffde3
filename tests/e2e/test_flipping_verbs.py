"""`set`, `undo`, `history` and `reload` as an operator gives them, beside a real gateway."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import Start
from tests.e2e.operator import USER, give, json_of, weight
from tests.support.routes_file import RoutesFile

pytestmark = pytest.mark.e2e


def test_set_changes_one_number_and_returns_when_every_worker_serves_by_it(start: Start) -> None:
    """It shows the line and says who moves; nothing else of the file changes."""
    with start() as figueira:
        before = figueira.routes.text
        ended = give(figueira, "set", "images", "image_service=25")
        status = figueira.status()
        assert (weight(figueira), status["revision"]["number"]) == (25, 2)
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
        again = give(figueira, "set", "images", "image_service=25")
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
            assert give(figueira, "set", "images", f"image_service={percent}").returncode == 0
            texts.append(figueira.routes.text)
        for back in (2, 1, 0):
            ended = give(figueira, "undo")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert figueira.routes.text == texts[back]
        assert weight(figueira) == 0
        last = give(figueira, "undo")
        assert (last.returncode, last.stdout) == (1, "")
        assert last.stderr == (
            "figueira: error: there is nothing before revision 1, "
            "which serves again as revision 7\n"
        )
        assert give(figueira, "undo", "--to", "4").returncode == 0
        assert (figueira.routes.text, weight(figueira)) == (texts[3], 100)
        undone = give(figueira, "undo", "--to", "99")
        assert undone.returncode == 1
        assert "there is no revision 99 (figueira history lists them)" in undone.stderr


def test_undo_mends_a_broken_file_and_a_deleted_one(start: Start) -> None:
    """What serves is written back; nobody moves, and the broken file was never in effect."""
    with start() as figueira:
        assert give(figueira, "set", "images", "image_service=25").returncode == 0
        good = figueira.routes.text
        for damaged in (good.replace("split:", "splitt:"), "\tno yaml at all", None):
            if damaged is None:
                figueira.routes.remove()
            else:
                figueira.routes.rename_over(damaged)
            figueira.wait_for_problems()
            refused = give(figueira, "set", "images", "image_service=50")
            assert refused.returncode == 1
            ended = give(figueira, "undo")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert "this is what serves: nobody moves" in ended.stdout
            assert figueira.routes.text == good
            status = figueira.wait_for_good_file()
            assert status["revision"]["number"] == 2


def test_history_tells_who_changed_what_and_what_was_refused(start: Start) -> None:
    with start() as figueira:
        give(figueira, "set", "images", "image_service=25")
        text = figueira.routes.text
        figueira.change(RoutesFile.rename_over, figueira.routes.flipped(50))
        figueira.routes.rename_over(text.replace("split:", "splitt:"))
        figueira.wait_for_problems()
        give(figueira, "undo", "--to", "2")
        head, *rows = give(figueira, "history").stdout.splitlines()
        assert re.fullmatch(r"REVISION  WHEN \(\S+\) +WHO +SHA-256 +CHANGE", head)
        cells = [re.split(r" {2,}", row.strip("* ")) for row in rows]
        assert [(row[0], row[2], *row[4:]) for row in cells] == [
            ("4", USER, "+1 -1", "undo --to 2"),
            (
                "refused",
                "-",
                'routes.yaml:26:5: error: routes[0]: unknown key "splitt" (did you mean "split"?)',
            ),
            ("3", "-", "+1 -1", f"{_changed_line(text, 50)[:57]}..."),
            ("2", USER, "+1 -1", "set images image_service=25"),
            ("1", "-"),
        ]
        assert [row[0] for row in rows] == ["*", "r", " ", " ", " "]
        listed = json_of(give(figueira, "history", "--json"))
        assert [line["number"] for line in listed["revisions"]] == [4, 3, 2, 1]
        assert [line["restores"] for line in listed["revisions"]] == [2, None, None, None]
        few = json_of(give(figueira, "history", "--json", "--limit", "1"))
        assert len(few["revisions"]) == 1
        shown = give(figueira, "history", "2").stdout.splitlines()
        assert shown[0] == "revision 2 (accepted)"
        assert f"  who      {USER}" in shown
        assert "  how      figueira set images image_service=25" in shown
        assert give(figueira, "history", "3", "--text").stdout == text.replace(
            "service: 25", "service: 50"
        )
        missing = give(figueira, "history", "77")
        assert (missing.returncode, missing.stdout) == (1, "")


def _changed_line(text: str, percent: int) -> str:
    line = next(line for line in text.splitlines() if "FLIP" in line)
    return " ".join(line.replace("service: 25", f"service: {percent}").split())


def test_a_dry_run_tells_everything_and_changes_nothing(start: Start) -> None:
    with start() as figueira:
        give(figueira, "set", "images", "image_service=25")
        before = (figueira.routes.text, figueira.routes.path.stat().st_mtime_ns)
        for words in (["set", "images", "image_service=75"], ["undo"]):
            ended = give(figueira, *words, "--dry-run")
            assert (ended.returncode, ended.stderr) == (0, "")
            assert ended.stdout.endswith("\nnothing was changed (dry run)\n")
            found = json_of(give(figueira, *words, "--dry-run", "--json"))
            assert (found["state"], found["effects"][0]["route"]) == ("dry_run", "images")
        assert (figueira.routes.text, figueira.routes.path.stat().st_mtime_ns) == before
        assert figueira.status()["revision"]["number"] == 2


def test_a_dry_run_says_that_safety_is_not_asked(start: Start) -> None:
    """A flip that is refused later would come as a surprise; an undo is never refused for it."""
    with start() as figueira:
        give(figueira, "set", "images", "image_service=25")
        figueira.routes.rename_over(figueira.routes.text + "safety: {max_moved: 10%}\n")
        figueira.wait_for_good_file()
        ended = give(figueira, "set", "images", "image_service=75", "--dry-run")
        assert (ended.returncode, ended.stderr) == (
            0,
            "figueira: note: safety.max_moved is asked when it is written; "
            "figueira diff tells beforehand\n",
        )
        assert give(figueira, "undo", "--dry-run").stderr == ""


def test_json_is_one_object_whatever_comes_of_it(start: Start) -> None:
    with start() as figueira:
        done = json_of(give(figueira, "set", "images", "image_service=25", "--json"))
        assert (done["state"], done["revision"]) == ("serving", 2)
        assert done["effects"][0]["moved"] == [
            {"origin": "legacy", "target": "image_service", "percent": 25.0}
        ]
        assert 0 < done["in_effect_after_s"] < 5
        ended = give(figueira, "set", "image", "image_service=25", "--json")
        assert (ended.returncode, json_of(ended)["hint"]) == (1, 'did you mean "images"?')
        reloaded = json_of(give(figueira, "reload", "--json"))
        assert (reloaded["revision"], reloaded["behind"]) == (2, [])
        undone = json_of(give(figueira, "undo", "--json"))
        assert (undone["state"], undone["revision"]) == ("serving", 3)


def test_a_link_stays_a_link_and_the_mode_stays(start: Start) -> None:
    with start() as figueira:
        figueira.flip(10, RoutesFile.swap_symlink)
        target = figueira.routes.path.resolve()
        target.chmod(0o640)
        assert give(figueira, "set", "images", "image_service=25").returncode == 0
        assert figueira.routes.path.is_symlink()
        assert figueira.routes.path.resolve() == target
        assert target.stat().st_mode & 0o777 == 0o640
        assert weight(figueira) == 25


@pytest.mark.parametrize(
    ("settings", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_unless_somebody_asks(
    start: Start, settings: dict[str, str], *, is_coloured: bool
) -> None:
    with start() as figueira:
        for words in (["set", "images", "image_service=9", "--dry-run"], ["history"]):
            assert ("\033[" in give(figueira, *words, **settings).stdout) is is_coloured
