"""What becomes of routes.yaml: taken in, refused, and what the database's absence changes."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from gateway.control import reload as module
from gateway.control.reload import Reloader
from gateway.errors import StartError
from gateway.state.kept import UNKNOWN, Origin
from tests.support import flippable
from tests.support.counted import AT
from tests.support.flippable import BAD
from tests.support.numbering import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good routes.yaml."""
    return flippable.write(tmp_path)


@pytest.fixture
def database() -> Database:
    """A database that works."""
    return Database()


@pytest.fixture
def reloader(path: Path, database: Database) -> Reloader:
    """A reloader that has not looked yet."""
    return Reloader(path, database, {}, lambda: AT)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused by the database is tried again at every look."""
    monkeypatch.setattr(module, "KEEP_AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(module, "HISTORY_PATIENCE_S", 0.05)


async def _flip(reloader: Reloader, percent: int) -> int | None:
    """Write another percentage; the revision accepted, None if none was."""
    flippable.write(reloader.path.parent, percent)
    accepted = (await reloader.look()).accepted
    return accepted.accepted.revision if accepted else None


def _break(path: Path, fault: str) -> None:
    if fault == "bad":
        path.write_text(BAD)
        return
    path.unlink()
    if fault == "a folder":
        path.mkdir()


def _mend(path: Path) -> None:
    """Put the content of the beginning back."""
    if path.is_dir():
        path.rmdir()
    flippable.write(path.parent)


def _serving(reloader: Reloader) -> tuple[int, int]:
    """Revision and percentage that serve."""
    assert reloader.current is not None
    share = next(
        s for s in reloader.current.snapshot.routes[0].shares if s.backend == "image_service"
    )
    return reloader.current.accepted.revision, (share.end - share.start) // 1000


async def test_a_change_is_accepted_once(reloader: Reloader) -> None:
    assert await _flip(reloader, 0) == 1
    assert (await reloader.look()).accepted is None
    assert await _flip(reloader, 25) == 2
    assert _serving(reloader) == (2, 25)


async def test_two_looks_at_once_accept_one_change(reloader: Reloader) -> None:
    """A signal and the watch, say."""
    looks = await asyncio.gather(reloader.look(), reloader.look(force=True), reloader.look())
    assert [look.accepted is None for look in looks] == [False, True, True]


async def test_a_bad_file_is_told_once_and_changes_nothing(
    reloader: Reloader, path: Path, database: Database
) -> None:
    await reloader.look()
    _break(path, "bad")
    look = await reloader.look()
    assert look.problems
    assert look.accepted is None
    assert not (await reloader.look()).problems
    assert reloader.failures == 1
    assert reloader.last is not None
    assert reloader.last.problems == look.problems
    assert _serving(reloader) == (1, 0)
    assert len(database.kept) == 1


async def test_a_bad_file_is_told_again_to_whoever_asks(reloader: Reloader, path: Path) -> None:
    """SIGHUP."""
    await reloader.look()
    _break(path, "bad")
    first = await reloader.look()
    assert (await reloader.look(force=True)).problems == first.problems
    assert reloader.failures == 2


async def test_that_nothing_has_changed_is_told_to_whoever_asks_and_to_nobody_else(
    reloader: Reloader,
) -> None:
    """SIGHUP; without a word about it nobody would know that the file was looked at."""
    assert not (await reloader.look()).is_unchanged
    assert not (await reloader.look()).is_unchanged
    assert (await reloader.look(force=True)).is_unchanged


@pytest.mark.parametrize("fault", ["bad", "deleted", "a folder"])
async def test_the_content_before_a_fault_makes_all_well_again_without_a_new_revision(
    reloader: Reloader, path: Path, database: Database, fault: str
) -> None:
    await reloader.look()
    _break(path, fault)
    assert (await reloader.look()).problems
    assert not (await reloader.look()).problems
    _mend(path)
    look = await reloader.look()
    assert (look.accepted, look.is_unchanged) == (None, True)
    assert not (await reloader.look()).is_unchanged
    assert reloader.last is not None
    assert reloader.last.problems == ()
    assert (_serving(reloader), len(database.kept)) == ((1, 0), 1)


async def test_a_file_replaced_while_it_is_being_accepted_is_found_by_the_next_look(
    reloader: Reloader, database: Database
) -> None:
    await reloader.look()
    database.hangs = True
    flippable.write(reloader.path.parent, 10)
    looking = asyncio.gather(reloader.look())
    await asyncio.sleep(0)
    flippable.write(reloader.path.parent, 20)
    await looking
    database.hangs = False
    await reloader.look()
    assert _serving(reloader) == (3, 20)


async def test_at_the_start_a_database_that_refuses_is_an_error(
    reloader: Reloader, database: Database
) -> None:
    """There is nothing to fall back on, and somebody who reads the message."""
    database.fault = StartError("cannot use the database")
    with pytest.raises(StartError, match="cannot use the database"):
        await reloader.look()


async def test_at_the_start_a_slow_database_is_waited_for(
    reloader: Reloader, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first migration may take longer than a flip may wait; the database has its own limits."""
    monkeypatch.setattr(module, "HISTORY_PATIENCE_S", 0.0)
    database.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reloader.look()


@pytest.mark.parametrize(
    ("fault", "why"),
    [(StartError("the disk is full"), "the disk is full"), (None, "no answer in 0.05 s")],
    ids=["refuses", "hangs"],
)
async def test_later_a_flip_serves_without_the_database_which_catches_up(
    reloader: Reloader, database: Database, fault: Exception | None, why: str
) -> None:
    """Each revision gets the number in history that it served under: no number means two things."""
    await reloader.look()
    database.fault, database.hangs = fault, fault is None
    assert await _flip(reloader, 10) == 2
    assert await _flip(reloader, 20) == 3
    assert reloader.history_fault == why
    database.fault, database.hangs = None, False
    assert (await reloader.look()).accepted is None
    assert reloader.history_fault == ""
    assert _serving(reloader) == (3, 20)
    assert database.kept == [flippable.snapshot(percent).digest for percent in (0, 10, 20)]


async def test_a_number_that_another_gateway_has_taken_meanwhile_is_given_up(
    reloader: Reloader, database: Database
) -> None:
    """The database is right; workers hear of the number that the revision has for everybody."""
    await reloader.look()
    database.fault = StartError("no")
    await _flip(reloader, 10)
    database.fault, database.foreign = None, 5
    look = await reloader.look()
    assert look.accepted is not None
    assert _serving(reloader) == (7, 10)
    assert look.accepted.accepted.accepted_at == AT


async def test_what_a_database_misses_is_bounded(reloader: Reloader, database: Database) -> None:
    """In an outage of days, the oldest are given up."""
    await reloader.look()
    database.fault = StartError("no")
    for percent in range(1, 41):
        await _flip(reloader, percent)
    assert _serving(reloader) == (41, 40)
    database.fault = None
    await reloader.look()
    assert len(database.kept) == 1 + 16
    assert _serving(reloader)[1] == 40


async def test_between_two_tries_the_database_is_left_alone(
    reloader: Reloader, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flip must not queue behind one try after another; SIGHUP tries at once."""
    await reloader.look()
    monkeypatch.setattr(module, "KEEP_AGAIN_AFTER_S", 3600.0)
    database.fault = StartError("no")
    await _flip(reloader, 10)
    database.fault = None
    await reloader.look()
    assert reloader.history_fault == "no"
    await reloader.look(force=True)
    assert reloader.history_fault == ""


async def test_a_control_that_replaces_another_goes_on_with_its_revision(
    reloader: Reloader, database: Database
) -> None:
    """Nothing is published anew, and the moment of acceptance stays."""
    database.kept = [flippable.snapshot().digest]
    reloader.resume(flippable.accepted(1))
    assert (await reloader.look(force=True)).accepted is None
    assert _serving(reloader) == (1, 0)
    assert len(database.kept) == 1


async def test_a_control_that_replaces_another_keeps_what_that_one_could_not(
    reloader: Reloader, database: Database
) -> None:
    """And takes over the number that the database gives."""
    database.kept = ["an older one"]
    reloader.resume(flippable.accepted(9))
    look = await reloader.look(force=True)
    assert look.accepted is not None
    assert _serving(reloader) == (2, 0)
    assert database.kept == ["an older one", flippable.snapshot().digest]


async def test_a_control_that_replaces_another_needs_neither_file_nor_database(
    reloader: Reloader, path: Path, database: Database
) -> None:
    database.fault = StartError("no")
    reloader.resume(flippable.accepted(9))
    await reloader.look(force=True)
    assert (_serving(reloader), reloader.history_fault) == ((9, 0), "no")
    _break(path, "bad")
    assert (await reloader.look()).problems
    assert _serving(reloader) == (9, 0)


async def test_whoever_announced_a_content_is_its_author_and_a_plain_edit_has_none(
    reloader: Reloader, database: Database
) -> None:
    """Also where the database was away meanwhile, and where the file is refused."""
    ana = Origin(author="ana", how="set all image_service=10")
    await reloader.look()
    reloader.announce(flippable.snapshot(10).digest, ana)
    database.fault = StartError("no")
    await _flip(reloader, 10)
    database.fault = None
    await _flip(reloader, 20)
    await _flip(reloader, 10)
    assert database.origins == [UNKNOWN, ana, UNKNOWN, UNKNOWN]
    reloader.announce(hashlib.sha256(BAD.encode()).hexdigest(), ana)
    _break(reloader.path, "bad")
    look = await reloader.look()
    assert (look.origin, look.digest) == (ana, reloader.seen)


async def test_an_announcement_is_forgotten_if_no_such_file_comes(
    reloader: Reloader, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verb that was stopped says nothing about who writes the same a week later."""
    await reloader.look()
    monkeypatch.setattr(module, "ANNOUNCED_S", 0.0)
    reloader.announce(flippable.snapshot(10).digest, Origin(author="ana"))
    await _flip(reloader, 10)
    assert database.origins[-1] == UNKNOWN
    for number in range(100):
        reloader.announce(str(number), UNKNOWN)
    assert len(reloader._announced) == 16


async def test_a_file_that_cannot_be_read_was_not_seen(reloader: Reloader, path: Path) -> None:
    await reloader.look()
    assert reloader.seen == flippable.snapshot().digest
    _break(path, "deleted")
    await reloader.look()
    assert reloader.seen == ""
