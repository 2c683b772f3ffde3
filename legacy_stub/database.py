"""The monolith's database, one SQLite file unless told otherwise, and its tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, String, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from legacy_stub.errors import StartError

BUSY_TIMEOUT_MS = 5000  # how long one writer waits for another before it gives up
CONNECT_TIMEOUT_S = 5  # a server on the same network connects in milliseconds
TABLES_KEY = 0x4F41 << 48  # of the advisory lock under which one process at a time makes tables


class Model(DeclarativeBase):
    """Root of the monolith's tables."""


class Product(Model):
    """A thing in the shop. The id of a deleted last row is given again."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    price: Mapped[float]


class Image(Model):
    """An ordered picture. Its id is never given again: ids say which side owns a picture.

    Attributes:
        status: ``pendente`` from the order until the picture is stored, ``pronta`` from then on.
        size: ``WIDTHxHEIGHT`` in pixels.
        png: The picture; None while ``pendente``. Loaded only when asked for.
    """

    __tablename__ = "image"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int | None]
    prompt: Mapped[str]
    size: Mapped[str]
    status: Mapped[str]
    png: Mapped[bytes | None] = mapped_column(deferred=True)


class Setting(Model):
    """What an operator ordered while the monolith ran; it holds until taken back."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class ImageCheck(Model):
    """How many orders, asked of both sides, came to which outcome."""

    __tablename__ = "image_check"

    outcome: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]


def open_database(url: str, *, connections: int) -> Engine:
    """Open the database at ``url`` for at most ``connections`` at once; make what is missing.

    Makes the tables; of SQLite the folder and the file, too. Safe when two processes do it at the
    same time.

    Raises:
        StartError: The folder cannot be made, or the file cannot be opened, read or written, or the
            server cannot be reached or does not let us.
    """
    if make_url(url).get_backend_name() == "postgresql":
        return _open_postgresql(url, connections=connections)
    file = Path(make_url(url).database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(file, f"its folder cannot be made ({error.strerror})") from error

    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # what customers sent stays out of the log
    )
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            # Taking the write lock serialises processes and shows at once whether we may write.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            Model.metadata.create_all(connection)
    except DBAPIError as error:
        engine.dispose()
        raise _unusable(file, f"SQLite says: {error.orig}") from error
    return engine


def _open_postgresql(url: str, *, connections: int) -> Engine:
    shown = make_url(url).set(query={}).render_as_string(hide_password=True)
    try:
        engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,  # a restarted server must not cost the next customer
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_KEY})")
            Model.metadata.create_all(connection)
    except ModuleNotFoundError as error:
        raise StartError(
            where=f"database {shown}",
            why=f"the driver {error.name} is not installed",
            remedy="install figueira[postgres]",
        ) from error
    except DBAPIError as error:
        raise StartError(
            where=f"database {shown}",
            why=f"PostgreSQL says: {' '.join(str(error.orig).split())}",
            remedy="start it, or name another database in LEGACY_DATABASE_URL",
        ) from error
    return engine


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait


def _unusable(file: Path, why: str) -> StartError:
    return StartError(
        where=f"database {file.absolute()}",
        why=why,
        remedy="make that place writable, or name another file in LEGACY_DATABASE_URL",
    )
