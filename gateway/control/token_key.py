"""The key of the tokens in access lines: given, or made once and kept beside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gateway.control.log import warn
from gateway.telemetry.events import Event
from gateway.whatif.tokens import LEAST_KEY_BYTES

_NAME = "token.key"
_KEY_BYTES = 32
_LIMIT_BYTES = 1024
"""Of the file; nobody's key is longer."""
_FOLDER = Path("var")
"""Of the state, where the database is no file."""


def token_key(given: str | None, database_url: str) -> bytes:
    """The key to make tokens by.

    Without one that is given, the one in the state's folder, which is made there if it is missing.
    Where that cannot be read or written, one for this run: tokens change with the next start then,
    and the log says so.

    Args:
        given: ``FIGUEIRA_TOKEN_KEY``; None if there is none.
        database_url: Tells the state's folder.
    """
    if given:
        return given.encode()
    path = _path(database_url)
    try:
        return _read(path) or _make(path)
    except OSError as error:
        why = error.strerror or str(error)
        if isinstance(error, NotADirectoryError) and path.parent != _FOLDER:
            # Nor can the database be there: that ends the start, and says why.
            return secrets.token_bytes(_KEY_BYTES)
    except ValueError as error:
        why = str(error)
    warn(Event.TOKEN_KEY_NOT_KEPT, file=path, why=why)
    return secrets.token_bytes(_KEY_BYTES)


def find_token_key(given: str | None, database_url: str) -> bytes | None:
    """The key, if it is there and may be read; None: nobody can test what a token stands for."""
    if given:
        return given.encode()
    try:
        return _read(_path(database_url)) or None
    except (OSError, ValueError):
        return None


def _path(database_url: str) -> Path:
    # Read by hand: the database's own reader takes half a second to load.
    driver, _, rest = database_url.partition(":///")
    file = rest.partition("?")[0]
    is_file = driver.startswith("sqlite") and file not in {"", ":memory:"}
    return (Path(file).parent if is_file else _FOLDER) / _NAME


def _read(path: Path) -> bytes:
    """What is kept; empty if there is nothing yet.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        key = os.read(descriptor, _LIMIT_BYTES).strip()
    finally:
        os.close(descriptor)
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"it holds no key of {LEAST_KEY_BYTES} bytes or more")
    return key


def _make(path: Path) -> bytes:
    """Keep a new key, for this user alone; another gateway's if that was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{_NAME}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_hex(_KEY_BYTES).encode() + b"\n")
    finally:
        os.close(descriptor)
    try:
        # Whole or not at all, and never over one that is there.
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return _read(path)
