"""The key of tokens: given, or made once and kept for this user alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control.token_key import find_token_key, token_key


def _url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/state/figueira.db"


def test_a_key_that_is_given_is_taken_and_nothing_is_kept(tmp_path: Path) -> None:
    assert token_key("sixteen or more.", _url(tmp_path)) == b"sixteen or more."
    assert find_token_key("sixteen or more.", _url(tmp_path)) == b"sixteen or more."
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_made_once_beside_the_database(tmp_path: Path) -> None:
    made = token_key(None, _url(tmp_path))
    assert len(made) == 64
    assert token_key(None, _url(tmp_path)) == made
    assert find_token_key(None, _url(tmp_path)) == made
    (kept,) = (tmp_path / "state").iterdir()
    assert kept.name == "token.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert token_key(None, _url(tmp_path / "other")) != made


def test_looking_for_a_key_makes_none(tmp_path: Path) -> None:
    assert find_token_key(None, _url(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["postgresql+asyncpg://u:p@h/d", "sqlite+aiosqlite://", "nonsense", "sqlite+aiosqlite:///"],
)
def test_with_another_database_the_key_is_kept_in_var(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert token_key(None, url) == (tmp_path / "var" / "token.key").read_bytes().strip()


@pytest.mark.parametrize("kept", [b"", b"short\n"])
def test_a_file_that_holds_no_key_is_told_and_left_alone(
    kept: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody's file is written over; the gateway serves, with tokens of this run."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "token.key").write_bytes(kept)
    assert len(token_key(None, _url(tmp_path))) == 32
    assert "token_key_not_kept" in caplog.text
    assert (tmp_path / "state" / "token.key").read_bytes() == kept
    assert find_token_key(None, _url(tmp_path)) is None


def test_where_nothing_can_be_kept_the_gateway_starts_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / "token.key").mkdir(parents=True)
    one, other = token_key(None, _url(tmp_path)), token_key(None, _url(tmp_path))
    assert len(one) == len(other) == 32
    assert one != other
    assert "token_key_not_kept" in caplog.text


def test_where_the_database_cannot_be_either_that_alone_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A start that fails says one thing."""
    (tmp_path / "state").write_text("a file in the folder's place")
    assert len(token_key(None, _url(tmp_path))) == 32
    assert caplog.text == ""
