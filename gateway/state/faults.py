"""The one place where the drivers' exceptions become a `StartError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.errors import StartError

LOCK_WAIT_S = 5
"""How long a transaction waits for another writer. Writes take milliseconds, so a longer wait
means that somebody holds the database open in a shell."""

_LOCKED = f"another process has held it for {LOCK_WAIT_S} s; end that one, or try again"
_ANOTHER = "name another in FIGUEIRA_DATABASE_URL"
_WRITABLE = f"let this user write the file and its folder, or {_ANOTHER}"
_RIGHTS = "grant this user the right to create tables"
_HINTS = {
    # SQLite's primary result codes.
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_CANTOPEN": _WRITABLE,
    "SQLITE_READONLY": _WRITABLE,
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_NOTADB": f"move this file away, or {_ANOTHER}",
    "SQLITE_CORRUPT": "restore it from a backup, or move it away to begin anew",
    # PostgreSQL's SQLSTATE.
    "28000": "mend the user or the server's pg_hba.conf",
    "28P01": "mend the user or the password",
    "3D000": f"create that database, or {_ANOTHER}",
    # No right to the schema hides it: "no schema has been selected to create in".
    "3F000": _RIGHTS,
    "42501": _RIGHTS,
    "53300": "raise the server's max_connections, or end other clients",
    "55P03": _LOCKED,
}
_USUAL_HINT = {
    "sqlite": _WRITABLE,
    "postgresql": "see that the server runs and can be reached from here",
}
_NEWER = f"start the version of Figueira that wrote it, or {_ANOTHER}"
_URL_HINT = "mend FIGUEIRA_DATABASE_URL; what follows its ? must be options the driver knows"

_FAULTS = (DBAPIError, PoolTimeoutError, OSError, CommandError)
_CONNECT_FAULTS = (*_FAULTS, ArgumentError, ImportError, TypeError, ValueError)
"""Drivers answer unknown or senseless options with the built-in ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which database, as an operator may be shown it."""

    shown: str
    """The URL without its password and options."""
    kind: str
    """``sqlite`` or ``postgresql``."""

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Convert whatever a driver raises until a connection stands; for its calls alone."""
        try:
            yield
        except _CONNECT_FAULTS as error:
            raise self._start_error(error) from error

    @contextmanager
    def using(self) -> Iterator[None]:
        """Convert the database's failures, and let the caller's own through."""
        try:
            yield
        except _FAULTS as error:
            raise self._start_error(error) from error

    def _start_error(self, error: Exception) -> StartError:
        root = _root(error)
        # A driver's own words can be empty (a timeout) or fill several lines.
        why = " ".join(str(root).split()) or type(root).__name__
        return StartError(f"cannot use the database {self.shown}: {why}; {self._hint(root)}")

    def _hint(self, root: BaseException) -> str:
        match root:
            case ImportError():
                return "install the driver: pip install 'figueira[postgres]'"
            case CommandError():
                return _NEWER
            case ArgumentError() | TypeError() | ValueError():
                return _URL_HINT
            case _:
                return _HINTS.get(code_of(root), _USUAL_HINT[self.kind])


def code_of(error: BaseException) -> str:
    """SQLite's primary result code or PostgreSQL's SQLSTATE; empty if there is neither."""
    root = _root(error)
    name = getattr(root, "sqlite_errorname", None) or getattr(root, "sqlstate", None) or ""
    return "_".join(name.split("_")[:2])


def _root(error: BaseException) -> BaseException:
    """The driver's own exception, without the statement and values that SQLAlchemy adds."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig
