"""The key of the sessions is kept, for one user alone, or the start fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from legacy_stub.errors import StartError
from legacy_stub.shop_key import session_key


def test_a_key_that_is_given_is_the_key_and_none_is_kept(tmp_path: Path) -> None:
    assert (
        session_key("given by somebody", f"sqlite:///{tmp_path}/legacy.db") == "given by somebody"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_made_and_kept_for_this_user(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/legacy.db"
    key = session_key(None, url)
    assert session_key(None, url) == key
    assert len(key) == 64
    (file,) = tmp_path.iterdir()
    assert file.name == "session.key"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"short\n", b"\xff" * 40, b" " * 40 + b"\n"])
def test_a_file_that_holds_no_key_is_an_operators_matter(tmp_path: Path, content: bytes) -> None:
    """To sign with something else would log everybody out, and say nothing."""
    file = tmp_path / "session.key"
    file.write_bytes(content)
    if content.strip():
        with pytest.raises(StartError, match=r"session\.key.*LEGACY_SECRET_KEY"):
            session_key(None, f"sqlite:///{tmp_path}/legacy.db")
    assert file.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"session\.key"):
        session_key(None, f"sqlite:///{tmp_path}/missing/legacy.db")


def test_where_the_database_is_no_file_the_key_is_kept_in_var(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = "postgresql://shop:secret@db/legacy"
    assert session_key(None, url) == session_key(None, url)
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.key")] == [
        "var/session.key"
    ]
