"""Settings of the monolith's process, read from the environment.

An empty variable counts as absent, because compose files pass unset ones on as empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from legacy_stub.errors import StartError
from legacy_stub.shop_key import LEAST_CHARACTERS

DELAY_LIMIT_S = 3600.0  # an hour: more is surely a unit mistaken
WORKER_LIMIT = 64  # one thread and one database connection each
DIGIT_LIMIT = 9  # enough for every whole number here
SHOWN_CHARACTERS = 60  # of an offending value, so that the line stays one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one monolith runs.

    Attributes:
        host: Address to listen on.
        port: Port to listen on, 0..65535; 0 lets the system choose.
        database_url: SQLAlchemy URL of a SQLite file; a relative path starts at the working folder.
        image_delay_s: Median of the time an image order takes before it is drawn; 0 is none.
        workers: Threads that all requests share, 1..64.
        secret_key: What sessions are signed with; None for one that is made and kept.
        seed_password: Of the account that is made where there is none; the default is documented.
    """

    host: str = "127.0.0.1"
    port: int = 8001
    database_url: str = "sqlite:///var/legacy.db"
    image_delay_s: float = 2.0
    workers: int = 4
    secret_key: str | None = field(default=None, repr=False)
    seed_password: str = field(default="figueira", repr=False)


DEFAULTS = Settings()


def load(environ: Mapping[str, str]) -> Settings:
    """Read the ``LEGACY_*`` variables.

    Raises:
        StartError: A variable has a value that cannot be used; names the first such one.
    """
    return Settings(
        host=environ.get("LEGACY_HOST") or DEFAULTS.host,
        port=_whole(environ, "LEGACY_PORT", DEFAULTS.port, range(65536)),
        database_url=_sqlite_file(environ, "LEGACY_DATABASE_URL", DEFAULTS.database_url),
        image_delay_s=_seconds(environ, "LEGACY_IMAGE_DELAY", DEFAULTS.image_delay_s),
        workers=_whole(environ, "LEGACY_WORKERS", DEFAULTS.workers, range(1, WORKER_LIMIT + 1)),
        secret_key=_secret(environ, "LEGACY_SECRET_KEY"),
        seed_password=environ.get("LEGACY_SEED_PASSWORD") or DEFAULTS.seed_password,
    )


def _whole(environ: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    text = environ.get(name) or str(default)
    # isdecimal alone would take other scripts' digits as well
    is_number = text.isascii() and text.isdecimal() and len(text) <= DIGIT_LIMIT
    number = int(text) if is_number else -1
    if number not in allowed:
        raise StartError(
            where=name,
            why=f"{_shown(text)} is not a whole number from {allowed[0]} to {allowed[-1]}",
            remedy=f"give one, or leave it out for {default}",
        )
    return number


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= DELAY_LIMIT_S:
        raise StartError(
            where=name,
            why=f"{_shown(text)} is not a number of seconds from 0 to {DELAY_LIMIT_S:g}",
            remedy=f"give one without a unit, such as 0.5, or leave it out for {default:g}",
        )
    return seconds


def _secret(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name) or None
    if text is not None and len(text) < LEAST_CHARACTERS:
        raise StartError(
            where=name,
            why=f"it has {len(text)} characters, which is too few to sign anything with",
            remedy=f"give {LEAST_CHARACTERS} or more, or leave it out: one is made then",
        )
    return text


def _sqlite_file(environ: Mapping[str, str], name: str, default: str) -> str:
    """Other databases change what the monolith answers: lengths, NaN, numeric strings."""
    text = environ.get(name) or default
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    in_file = url is not None and url.database not in {None, "", ":memory:"} and not url.query
    if url is None or url.drivername not in {"sqlite", "sqlite+pysqlite"} or not in_file:
        # only the scheme is shown: the rest of a database URL may hold a password
        scheme = text.partition(":")[0]
        raise StartError(
            where=name,
            why=f"the {_shown(scheme)} URL given does not name a SQLite file",
            remedy=f"give sqlite:///FOLDER/FILE, or leave it out for {default}",
        )
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")
