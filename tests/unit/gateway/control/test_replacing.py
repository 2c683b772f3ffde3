"""A file's content is replaced in one step, by whoever read what it holds."""

from __future__ import annotations

import fcntl
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.control import replacing as module
from gateway.control.replacing import ChangedError, ReplaceError, create_content, replace_content

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that holds ``old``."""
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"old")
    return path


def _only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o4755])
def test_the_mode_stays_and_nothing_is_left_beside_it(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert replace_content(file, b"old", b"new") == []
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert _only(file.parent) == ["routes.yaml"]


@needs_root
def test_owner_and_group_stay(file: Path) -> None:
    os.chown(file, 12, 34)
    assert replace_content(file, b"old", b"new") == []
    assert (file.stat().st_uid, file.stat().st_gid) == (12, 34)


def test_it_is_another_file_so_that_who_reads_the_old_one_reads_all_of_it(file: Path) -> None:
    with file.open("rb") as reading:
        replace_content(file, b"old", b"something longer")
        assert reading.read() == b"old"


@pytest.mark.parametrize("is_relative", [True, False])
def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(
    file: Path, *, is_relative: bool
) -> None:
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir()
    target = file.rename(elsewhere / "real.yaml")
    file.symlink_to("elsewhere/real.yaml" if is_relative else target)
    replace_content(file, b"old", b"new")
    assert file.is_symlink()
    assert (target.read_bytes(), target.is_symlink()) == (b"new", False)
    assert _only(elsewhere) == ["real.yaml"]


def test_extended_attributes_stay(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system keeps none")
    replace_content(file, b"old", b"new")
    assert os.getxattr(file, "user.note") == b"kept"


def test_what_somebody_else_has_changed_meanwhile_stays(file: Path) -> None:
    file.write_bytes(b"theirs")
    with pytest.raises(ChangedError, match=r"routes\.yaml has been changed by somebody else"):
        replace_content(file, b"old", b"new")
    assert file.read_bytes() == b"theirs"


def test_an_editor_that_is_faster_than_the_last_step_wins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editors take no turns: the content is compared once more when the new one is ready."""
    monkeypatch.setattr(os, "fsync", lambda _: file.write_bytes(b"theirs"))
    with pytest.raises(ChangedError):
        replace_content(file, b"old", b"new")
    assert (file.read_bytes(), _only(file.parent)) == (b"theirs", ["routes.yaml"])


def test_two_operators_at_once_lose_no_change(file: Path) -> None:
    """Each adds one to a number; who is told that it changed reads it again."""
    file.write_bytes(b"0")

    def add(_: int) -> int:
        tries = 0
        while True:
            tries += 1
            read = file.read_bytes()
            try:
                replace_content(file, read, b"%d" % (int(read) + 1))
            except ChangedError:
                continue
            return tries

    with ThreadPoolExecutor(8) as operators:
        tries = list(operators.map(add, range(40)))
    assert file.read_bytes() == b"40"
    assert len(tries) == 40


def test_a_file_without_a_right_to_write_is_left_alone_even_by_root(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(ReplaceError, match="it is read-only"):
        replace_content(file, b"old", b"new")
    assert file.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["missing.yaml", "loop.yaml", "."])
def test_what_is_no_file_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(ReplaceError, match="cannot replace"):
        replace_content(tmp_path / name, b"old", b"new")


def test_a_step_that_fails_leaves_the_old_file_and_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is mounted by itself, as containers have it, is busy for ever."""

    def busy(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(ReplaceError, match="it is mounted by itself"):
        replace_content(file, b"old", b"new")
    assert (file.read_bytes(), _only(file.parent)) == (b"old", ["routes.yaml"])


@needs_root
@pytest.mark.parametrize(
    ("mode", "may_give_group", "expected"),
    [
        (0o664, True, "its owner is you now"),
        (0o640, True, "its owner is you now"),
        (0o664, False, "its owner and group are yours now"),
        (0o640, False, None),
    ],
)
def test_an_owner_that_cannot_be_kept_is_said_so_or_keeps_the_file_as_it_is(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    expected: str | None,
    *,
    may_give_group: bool,
) -> None:
    """The gateway must be able to read the file afterwards, whoever it runs as."""
    os.chown(file, 12, 34)
    file.chmod(mode)
    given: list[tuple[int, int]] = []

    def fchown(_: int, uid: int, gid: int) -> None:
        if uid != -1 or not may_give_group:
            raise PermissionError(1, "Operation not permitted")
        given.append((uid, gid))

    monkeypatch.setattr(os, "fchown", fchown)
    if expected is None:
        with pytest.raises(ReplaceError, match="others may not read it"):
            replace_content(file, b"old", b"new")
        assert file.read_bytes() == b"old"
    else:
        (note,) = replace_content(file, b"old", b"new")
        assert note.startswith(expected)
    assert given == ([(-1, 34)] if may_give_group else [])


def test_one_that_holds_the_folder_for_ever_is_not_waited_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOCK_WAIT_S", 0.05)
    with (
        module._turn(file.parent),
        pytest.raises(ReplaceError, match="another process holds"),
    ):
        replace_content(file, b"old", b"new")


def test_a_missing_file_is_made_whole_and_never_in_the_place_of_another(file: Path) -> None:
    with pytest.raises(ReplaceError, match="File exists"):
        create_content(file, b"new")
    assert (file.read_bytes(), _only(file.parent)) == (b"old", ["routes.yaml"])
    file.unlink()
    create_content(file, b"new")
    assert (file.read_bytes(), _only(file.parent)) == (b"new", ["routes.yaml"])
    with pytest.raises(ReplaceError, match="cannot make"):
        create_content(file / "below", b"new")


def test_a_file_system_without_locks_is_no_obstacle(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    replace_content(file, b"old", b"new")
    assert file.read_bytes() == b"new"
