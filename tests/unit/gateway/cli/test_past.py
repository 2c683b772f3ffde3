"""What an undo goes back to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.operations import HistoryPage, RevisionLine, RevisionText
from gateway.cli.past import NothingBeforeError, before_last, latest_of
from tests.support.counted import AT


class Kept:
    """A history of contents; undos say what they restore."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int | None]] = []

    def keep(self, content: str, restores: int | None = None) -> None:
        """One more revision."""
        self.lines.append((content, restores))

    def history(self, before: int | None, limit: int) -> HistoryPage:
        """A page."""
        numbers = range(1, len(self.lines) + 1 if before is None else before)
        newest = list(reversed(numbers))[:limit]
        return HistoryPage(revisions=tuple(self._line(number) for number in newest))

    def revision(self, number: int) -> RevisionText | None:
        """One of them."""
        if not 1 <= number <= len(self.lines):
            return None
        return RevisionText(revision=self._line(number), text=self.lines[number - 1][0])

    def _line(self, number: int) -> RevisionLine:
        content, restores = self.lines[number - 1]
        return RevisionLine(
            number=number,
            accepted_at=AT,
            digest=content,
            author=None,
            how=None,
            restores=restores,
            diff=None,
            serving=False,
        )

    def undo(self) -> int:
        """Undo as the command does; the number that was gone back to."""
        last = latest_of(self)
        assert last is not None
        target = before_last(self, last).revision
        self.keep(target.digest, target.number)
        return target.number


def _kept(contents: str) -> Kept:
    kept = Kept()
    for content in contents:
        kept.keep(content)
    return kept


def test_each_undo_goes_one_further_back_until_there_is_nothing() -> None:
    kept = _kept("abcd")
    assert [kept.undo() for _ in range(3)] == [3, 2, 1]
    with pytest.raises(NothingBeforeError, match="nothing before revision 1"):
        kept.undo()


def test_a_change_after_an_undo_is_undone_to_what_served_before_it() -> None:
    kept = _kept("abc")
    assert kept.undo() == 2
    kept.keep("d")
    assert kept.undo() == 4
    assert kept.lines[3] == ("b", 2)
    assert kept.undo() == 1


def test_going_back_by_hand_is_a_change_like_any_other() -> None:
    kept = _kept("abca")
    assert kept.undo() == 3


def test_a_history_of_more_than_a_page_is_walked_through() -> None:
    kept = Kept()
    kept.keep("a")
    for _ in range(200):
        kept.keep("b")
    assert kept.undo() == 1


def test_without_any_revision_there_is_no_latest() -> None:
    assert latest_of(Kept()) is None


@given(st.text("abc", min_size=1, max_size=8), st.integers(1, 10))
def test_undos_walk_back_through_every_change_in_order(contents: str, undos: int) -> None:
    """Neighbours that are equal are one: the gateway keeps no revision that changes nothing."""
    changes = "".join(
        content for index, content in enumerate(contents) if contents[index - 1 : index] != content
    )
    kept = _kept(changes)
    expected = list(reversed(changes[:-1]))
    for turn in range(undos):
        if turn >= len(expected):
            with pytest.raises(NothingBeforeError):
                kept.undo()
            return
        kept.undo()
        assert kept.lines[-1][0] == expected[turn]
