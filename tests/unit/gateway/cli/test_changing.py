"""From a text to workers that route by it, beside a gateway that says what the test wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.admin.operations import Announcement, ReloadResult
from gateway.cli.admin import Admin, AdminError, NobodyThereError
from gateway.cli.changing import Change, Options, carry_out
from gateway.cli.desk import Desk, digest_of
from gateway.cli.outcome import Outcome
from gateway.errors import Problem

OLD, NEW = b"version: 1\nold: 1\n", b"version: 1\nnew: 1\n"
PROBLEM = Problem(line=1, column=1, path="", message="moves too many")
SERVES = ReloadResult(
    revision=2,
    digest=digest_of(NEW),
    path="/etc/routes.yaml",
    file_digest=digest_of(NEW),
    problems=(),
    workers=2,
    behind=(),
)


class FakeAdmin(Admin):
    """Notes what it is told."""

    def __init__(self, answer: Callable[[], ReloadResult]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._answer = answer
        self.announced: list[Announcement] = []

    def reload(self) -> ReloadResult:
        """What the test wants."""
        return self._answer()

    def announce(self, announcement: Announcement) -> None:
        """Note it."""
        self.announced.append(announcement)


def _desk(file: Path, admin: Admin | None) -> Desk:
    running = SERVES if admin else None
    return Desk(file=file, text=OLD, admin=admin, running=running, not_running="none runs")


def _carry_out(file: Path, answer: Callable[[], ReloadResult]) -> tuple[Outcome, FakeAdmin]:
    admin = FakeAdmin(answer)
    change = Change(
        text=NEW,
        served=OLD,
        how="set images a=1",
        by_hand=("line 2, column 1: old -> new",),
        restores=7,
        unchanged="so it is",
    )
    options = Options(config=None, admin=None, dry_run=False)
    return carry_out(_desk(file, admin), change, options), admin


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the old text."""
    path = tmp_path / "routes.yaml"
    path.write_bytes(OLD)
    return path


def test_the_author_is_told_before_the_file_is_written(file: Path) -> None:
    seen: list[bytes] = []

    def answer() -> ReloadResult:
        seen.append(file.read_bytes())
        return SERVES

    outcome, admin = _carry_out(file, answer)
    (told,) = admin.announced
    assert (told.digest, told.how, told.restores) == (digest_of(NEW), "set images a=1", 7)
    assert told.author
    assert seen == [NEW]
    assert (outcome.state, outcome.revision, outcome.exit_code) == ("serving", 2, 0)


def test_what_the_gateway_refuses_is_put_back(file: Path) -> None:
    """All or nothing: a file that is refused must not lie in wait for a restart."""
    refused = ReloadResult(
        revision=1,
        digest=digest_of(OLD),
        path="",
        file_digest=digest_of(NEW),
        problems=(PROBLEM,),
        workers=2,
        behind=(),
    )
    outcome, _ = _carry_out(file, lambda: refused)
    assert (outcome.state, outcome.exit_code, outcome.problems) == ("refused", 1, [PROBLEM])
    assert outcome.message == (
        f"the gateway refuses this; revision 1 serves on, and {file} is as it was"
    )
    assert file.read_bytes() == OLD


def test_what_is_refused_and_changed_by_somebody_else_meanwhile_is_left_to_them(
    file: Path,
) -> None:
    def answer() -> ReloadResult:
        file.write_bytes(b"theirs")
        return ReloadResult(
            revision=1,
            digest=digest_of(OLD),
            path="",
            file_digest=digest_of(NEW),
            problems=(PROBLEM,),
            workers=2,
            behind=(),
        )

    outcome, _ = _carry_out(file, answer)
    assert "could not be put back as it was" in outcome.message
    assert file.read_bytes() == b"theirs"


def test_somebody_who_changes_the_file_again_at_once_is_noticed(file: Path) -> None:
    newer = ReloadResult(
        revision=3,
        digest="c" * 64,
        path="",
        file_digest="c" * 64,
        problems=(),
        workers=2,
        behind=(),
    )
    outcome, _ = _carry_out(file, lambda: newer)
    assert (outcome.state, outcome.revision, outcome.exit_code) == ("overtaken", 3, 3)


@pytest.mark.parametrize("error", [NobodyThereError("it is gone"), AdminError("it hangs")])
def test_a_gateway_that_goes_away_meanwhile_leaves_the_effect_open(
    file: Path, error: Exception
) -> None:
    def answer() -> ReloadResult:
        raise error

    outcome, _ = _carry_out(file, answer)
    assert (outcome.state, outcome.exit_code) == ("not_running", 3)
    assert outcome.message == f"{file} is changed, but whether it serves is unknown: {error}"
    assert file.read_bytes() == NEW


def test_an_editor_that_was_faster_keeps_its_change(file: Path) -> None:
    file.write_bytes(b"theirs")
    outcome, _ = _carry_out(file, lambda: SERVES)
    assert (outcome.state, outcome.exit_code) == ("failed", 1)
    assert outcome.hint == "run the command again"
    assert file.read_bytes() == b"theirs"


def test_without_a_worker_nothing_serves(file: Path) -> None:
    nobody = ReloadResult(
        revision=2,
        digest=digest_of(NEW),
        path="",
        file_digest=digest_of(NEW),
        problems=(),
        workers=0,
        behind=(),
    )
    outcome, _ = _carry_out(file, lambda: nobody)
    assert (outcome.state, outcome.exit_code) == ("behind", 3)
    assert outcome.message == "revision 2 is accepted, but no worker is alive"
