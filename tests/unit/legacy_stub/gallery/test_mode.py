"""The operator's word on who draws: the environment's, and the one ordered since."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import Setting
from legacy_stub.gallery.mode import SETTING, Mode, ModeSetting


def test_what_is_ordered_holds_until_it_is_taken_back(sessions: sessionmaker[Session]) -> None:
    """Also for another process on the same database, and over a restart."""
    one = ModeSetting(sessions, otherwise=Mode.LOCAL)
    other = ModeSetting(sessions, otherwise=Mode.BOTH)
    assert (one.now(), other.now()) == (Mode.LOCAL, Mode.BOTH)
    for mode in (Mode.REMOTE, Mode.LOCAL):
        one.put(mode)
        assert (one.now(), other.now(), other.ordered()) == (mode, mode, mode)
    for _ in range(2):
        other.put(None)
        assert (one.now(), other.now(), one.ordered()) == (Mode.LOCAL, Mode.BOTH, None)


def test_a_word_of_another_version_is_as_good_as_none(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.add(Setting(name=SETTING, value="elsewhere"))
    assert ModeSetting(sessions, otherwise=Mode.BOTH).now() is Mode.BOTH
