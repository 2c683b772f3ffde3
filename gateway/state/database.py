"""The database of `FIGUEIRA_DATABASE_URL`: an SQLite file, or PostgreSQL."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.errors import StartError
from gateway.state.faults import LOCK_WAIT_S, Place
from gateway.state.migrations import upgrade
from gateway.state.transactions import connect_first, prepare_sqlite, reading, writing

_CONNECT_ARGS: dict[str, dict[str, object]] = {
    # `timeout` is SQLite's busy timeout.
    "sqlite+aiosqlite": {"isolation_level": None, "timeout": LOCK_WAIT_S},
    "postgresql+asyncpg": {
        "timeout": 5,  # a server on the same network connects in milliseconds
        "command_timeout": 30,  # far beyond the lock's wait: only a dead server takes as long
    },
}
_FORMS = "sqlite+aiosqlite:///FOLDER/FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE"


class Database:
    """An engine, and the transactions on it. Every failure of the database is a `StartError`."""

    def __init__(self, engine: AsyncEngine, place: Place) -> None:
        self.engine = engine
        self._place = place

    async def upgrade(self) -> None:
        """Connect for the first time and bring the tables up to date.

        Several processes may do this at once: one works, the others wait for it.

        Raises:
            StartError: The database cannot be opened or written, or a newer version wrote it.
        """
        with self._place.connecting():
            await connect_first(self.engine)
        with self._place.using():
            await upgrade(self.engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads."""
        with self._place.using():
            async with reading(self.engine) as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other writer overlaps; committed unless the block raises."""
        with self._place.using():
            async with writing(self.engine) as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection; those in use are closed when they are given back."""
        await self.engine.dispose()


def open_database(url: str) -> Database:
    """A database that has not been connected to yet: `Database.upgrade` does that.

    Makes an SQLite file and its folder, for this user alone.

    Args:
        url: `FIGUEIRA_DATABASE_URL`.

    Raises:
        StartError: The URL is none of ours, its driver is missing, or the file cannot be written.
    """
    parsed = _parse(url)
    place = Place(
        shown=parsed.set(query={}).render_as_string(hide_password=True),
        kind=parsed.get_backend_name(),
    )
    with place.connecting():
        if place.kind == "sqlite":
            _make_file(parsed.database or "")
        engine = create_async_engine(
            parsed,
            connect_args=_CONNECT_ARGS[parsed.drivername],
            pool_pre_ping=True,  # a restarted server must not cost the next transaction
            hide_parameters=True,  # values may be customers' data
        )
    if place.kind == "sqlite":
        prepare_sqlite(engine)
    return Database(engine, place)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # From None: the library's own words may quote the URL, and with it the password.
        raise _unusable("it is no database URL") from None
    if parsed.drivername not in _CONNECT_ARGS:
        raise _unusable(f'it begins with "{parsed.drivername}://"')
    if "@" in (parsed.host or ""):
        raise _unusable("the user or password holds an @, which must be written %40")
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise _unusable("it names no file, and what is kept must outlive the process")
    return parsed


def _unusable(why: str) -> StartError:
    return StartError(f"cannot use FIGUEIRA_DATABASE_URL: {why}; write {_FORMS}")


def _make_file(name: str) -> None:
    """Make what is missing, so that the driver never fails to open the file.

    Its thread would outlive the failure and print a traceback after the operator's one line.

    A file that is there is never opened here: closing it would drop every lock that this process
    has on it (POSIX), and the next process to leave would take the write-ahead log away.

    Raises:
        OSError: It cannot be made, or this user may not write it.
    """
    if name.startswith("file:"):  # a URI of SQLite's own; its folder is its author's
        return
    path = Path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    elif not path.is_file():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    elif not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
