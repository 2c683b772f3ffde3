"""The key that signs sessions: given, or made once and kept beside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sqlalchemy import make_url

from legacy_stub.errors import StartError

NAME = "session.key"
FOLDER = Path("var")  # of the state, where the database is no file
KEY_BYTES = 32
LEAST_CHARACTERS = 16
LIMIT_BYTES = 4096  # of the file; nobody's key is longer


def session_key(given: str | None, database_url: str) -> str:
    """Return the key to sign sessions with.

    Without one that is given, it is the one in the database's folder, which is made there, for this
    user alone, if it is missing; in ``var`` where the database is no file. A new key logs everybody
    out.

    Args:
        given: ``LEGACY_SECRET_KEY``; None if there is none.
        database_url: Names a SQLite file, or a PostgreSQL database.

    Raises:
        StartError: The key's file cannot be read or written, or holds no key.
    """
    if given is not None:
        return given
    url = make_url(database_url)
    is_file = url.get_backend_name() == "sqlite"
    file = Path(url.database or "").with_name(NAME) if is_file else FOLDER / NAME
    try:
        if not is_file:
            FOLDER.mkdir(exist_ok=True)
        key = _read(file) or _make(file)
    except (OSError, ValueError) as error:
        raise _unusable(file, f"{error}") from error
    if len(key) < LEAST_CHARACTERS:
        raise _unusable(file, f"holds no key of {LEAST_CHARACTERS} characters or more")
    return key


def _read(file: Path) -> str:
    """Return what is kept; empty if there is nothing yet."""
    try:
        with file.open("rb") as opened:
            return opened.read(LIMIT_BYTES).decode("ascii").strip()
    except FileNotFoundError:
        return ""


def _make(file: Path) -> str:
    """Keep a new key; another process's if that one was faster."""
    beside = file.with_name(f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_hex(KEY_BYTES) + "\n")
        # Whole or not at all, and never over one that is there.
        os.link(beside, file)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return _read(file)


def _unusable(file: Path, why: str) -> StartError:
    return StartError(
        where=f"session key {file.absolute()}",
        why=why,
        remedy="remove that file, or give a key in LEGACY_SECRET_KEY",
    )
