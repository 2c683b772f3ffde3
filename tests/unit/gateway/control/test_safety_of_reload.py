"""A change that moves too much changes nothing, until it is smaller or forced."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pytest

from gateway.control import reload as module
from gateway.control.reload import Look, NotYet, Reloader
from gateway.errors import Problem
from gateway.routing.snapshot import Snapshot
from tests.support import flippable
from tests.support.counted import AT

_PROBLEM = Problem(line=None, column=None, path="safety.max_moved", message="moves too much")

_LATER = Problem(line=None, column=None, path="safety.max_moved", message="look again")


class Judge:
    """Finds too much what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Snapshot, Snapshot]] = []
        self.verdict: Problem | None = None
        self.knows = True

    async def __call__(self, old: Snapshot, new: Snapshot) -> Problem | None:
        """Judge a change."""
        self.asked.append((old, new))
        if not self.knows:
            raise NotYet(_LATER)
        return self.verdict


class Numbers:
    """Numbers revisions."""

    def __init__(self) -> None:
        self.last = 0

    async def accept(self, digest: str, text: bytes, at: datetime, *_: object) -> int:
        """Number one."""
        assert (len(digest), bool(text), at) == (64, True, AT)
        self.last += 1
        return self.last


@pytest.fixture
def judge() -> Judge:
    """A judge who allows everything so far."""
    return Judge()


@pytest.fixture
async def reloader(tmp_path: Path, judge: Judge) -> Reloader:
    """A reloader that serves a file with `safety`."""
    _write(tmp_path, 5)
    reloader = Reloader(tmp_path / "routes.yaml", Numbers(), {}, lambda: AT, judge)
    assert (await reloader.look()).accepted is not None
    assert judge.asked == [], "the first file moves nobody"
    return reloader


def _write(folder: Path, percent: int, *, safety: str = "safety: {max_moved: 10%}\n") -> None:
    (folder / "routes.yaml").write_text(flippable.text(percent) + safety)


def _weight(reloader: Reloader) -> float:
    assert reloader.current is not None
    return reloader.current.snapshot.routes[0].shares[0].percent


async def test_a_change_that_moves_too_much_is_refused_like_a_bad_file(
    reloader: Reloader, judge: Judge
) -> None:
    judge.verdict = _PROBLEM
    _write(reloader.path.parent, 60)
    look = await reloader.look()
    assert (look.accepted, look.problems) == (None, (_PROBLEM,))
    assert (_weight(reloader), reloader.failures) == (5, 1)
    assert reloader.last is not None
    assert reloader.last.problems == (_PROBLEM,)
    assert await reloader.look() == type(look)(), "it is told once"
    (old, new) = judge.asked[0]
    assert (old.routes[0].shares[0].percent, new.routes[0].shares[0].percent) == (5, 60)


async def test_a_smaller_change_is_taken_in(reloader: Reloader, judge: Judge) -> None:
    judge.verdict = _PROBLEM
    _write(reloader.path.parent, 60)
    await reloader.look()
    judge.verdict = None
    _write(reloader.path.parent, 6)
    assert (await reloader.look()).accepted is not None
    assert _weight(reloader) == 6


async def test_a_forced_change_is_taken_in_whatever_it_moves(
    reloader: Reloader, judge: Judge
) -> None:
    judge.verdict = _PROBLEM
    _write(reloader.path.parent, 60)
    await reloader.look()
    reloader.excuse(hashlib.sha256(reloader.path.read_bytes()).hexdigest())
    assert (await reloader.look()).accepted is not None
    assert _weight(reloader) == 60
    asked = len(judge.asked)
    assert (await reloader.look(force=True)).problems == ()
    assert len(judge.asked) == asked, "what serves already is not judged"


async def test_force_lets_no_mistake_through(reloader: Reloader) -> None:
    reloader.path.write_text(flippable.BAD)
    reloader.excuse(hashlib.sha256(flippable.BAD.encode()).hexdigest())
    assert (await reloader.look()).problems
    assert _weight(reloader) == 5


async def test_force_is_for_one_content_and_for_a_minute(
    reloader: Reloader, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge.verdict = _PROBLEM
    reloader.excuse("ab" * 32)
    _write(reloader.path.parent, 60)
    assert (await reloader.look()).problems == (_PROBLEM,)
    monkeypatch.setattr(module, "EXCUSED_S", -1.0)
    reloader.excuse(hashlib.sha256(reloader.path.read_bytes()).hexdigest())
    assert (await reloader.look()).problems == (_PROBLEM,)
    assert _weight(reloader) == 5


async def test_a_change_that_cannot_be_judged_yet_is_looked_at_again(
    reloader: Reloader, judge: Judge
) -> None:
    judge.knows = False
    _write(reloader.path.parent, 6)
    look = await reloader.look()
    assert (look.accepted, look.problems, _weight(reloader)) == (None, (_LATER,), 5)
    assert await reloader.look() == Look(), "it is told once"
    judge.knows = True
    assert (await reloader.look()).accepted is not None


async def test_a_file_without_safety_is_never_judged(reloader: Reloader, judge: Judge) -> None:
    """Leaving the rule out is a change that the rule judges; after that there is none."""
    _write(reloader.path.parent, 6, safety="")
    await reloader.look()
    asked = len(judge.asked)
    _write(reloader.path.parent, 99, safety="")
    assert (await reloader.look()).accepted is not None
    assert len(judge.asked) == asked == 1
