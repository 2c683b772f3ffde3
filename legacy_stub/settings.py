"""Settings of the monolith's process, read from the environment.

An empty variable counts as absent, because compose files pass unset ones on as empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import httpx
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from legacy_stub.errors import StartError
from legacy_stub.gallery.mode import Mode
from legacy_stub.shop_key import LEAST_CHARACTERS

DELAY_LIMIT_S = 3600.0  # an hour: more is surely a unit mistaken
WORKER_LIMIT = 64  # one thread and one database connection each
DIGIT_LIMIT = 9  # enough for every whole number here
SHOWN_URL = "http://127.0.0.1:8002"
DAYS = range(1, 3651)  # ten years
EVENTS = range(1000, 100_000_001)  # fewer are gone before a reader has begun; more fill disks
SHOWN_CHARACTERS = 60  # of an offending value, so that the line stays one line

E = TypeVar("E", bound=Enum)
T = TypeVar("T")


class Profile(Enum):
    """The libraries whose answers are given."""

    FLASK31 = "flask31"
    """Flask 3.1, Werkzeug 3.1."""
    FLASK22 = "flask22"
    """Flask 2.2, Werkzeug 2.2."""


class Provider(Enum):
    """Who paints when the monolith draws."""

    PROCEDURAL = "procedural"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one monolith runs.

    Attributes:
        host: Address to listen on.
        port: Port to listen on, 0..65535; 0 lets the system choose.
        database_url: SQLAlchemy URL of a SQLite file; a relative path starts at the working folder.
            Or of a PostgreSQL database.
        profile: Whose answers are given where two recordings differ.
        image_delay_s: Median of the time the procedural provider takes before it draws; 0 is none.
        workers: Threads that all requests share, 1..64.
        provider: Who paints.
        model: The model that OpenAI is asked for; nobody checks that there is one of this name.
        openai_api_key: Set where ``provider`` is OpenAI.
        openai_base_url: None for OpenAI itself.
        images: Who draws, unless an operator has ordered otherwise since.
        image_service_url: Where the image service answers.
        image_service_timeout_s: How long it may be silent.
        secret_key: What sessions are signed with; None for one that is made and kept.
        seed_password: Of the account that is made where there is none; the default is documented.
        changes: Whether changes are captured, and their feed is served.
        changes_host: Address that the feed listens on.
        changes_port: Its port, 0..65535; 0 lets the system choose.
        changes_keep_days: Age at which the feed's events are removed, in days.
        changes_keep_events: How many of them are kept at most.
        changes_reader_days: Silence after which a named reader of the feed is forgotten, in days.
    """

    host: str = "127.0.0.1"
    port: int = 8001
    database_url: str = "sqlite:///var/legacy.db"
    profile: Profile = Profile.FLASK31
    image_delay_s: float = 2.0
    workers: int = 4
    provider: Provider = Provider.PROCEDURAL
    model: str = "gpt-image-2.5-flare"
    openai_api_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    images: Mode = Mode.LOCAL
    image_service_url: str = "http://127.0.0.1:8002"
    image_service_timeout_s: float = 60.0
    secret_key: str | None = field(default=None, repr=False)
    seed_password: str = field(default="figueira", repr=False)
    changes: bool = True
    changes_host: str = "127.0.0.1"
    changes_port: int = 8003
    changes_keep_days: int = 7
    changes_keep_events: int = 1_000_000
    changes_reader_days: int = 30


DEFAULTS = Settings()


def load(environ: Mapping[str, str]) -> Settings:
    """Read the ``LEGACY_*`` variables, and those that the image service has as well.

    Raises:
        StartError: A variable has a value that cannot be used; names the first such one.
    """
    api_key = environ.get("OPENAI_API_KEY") or None
    return Settings(
        host=environ.get("LEGACY_HOST") or DEFAULTS.host,
        port=_whole(environ, "LEGACY_PORT", DEFAULTS.port, range(65536)),
        database_url=_database(environ, "LEGACY_DATABASE_URL", DEFAULTS.database_url),
        profile=_one_of(environ, "LEGACY_PROFILE", DEFAULTS.profile),
        image_delay_s=_seconds(environ, "LEGACY_IMAGE_DELAY", DEFAULTS.image_delay_s),
        workers=_whole(environ, "LEGACY_WORKERS", DEFAULTS.workers, range(1, WORKER_LIMIT + 1)),
        provider=_provider(environ, "LEGACY_IMAGE_PROVIDER", has_key=api_key is not None),
        model=environ.get("LEGACY_IMAGE_MODEL") or DEFAULTS.model,
        openai_api_key=api_key,
        openai_base_url=_http_url(environ, "OPENAI_BASE_URL", DEFAULTS.openai_base_url),
        images=_one_of(environ, "LEGACY_IMAGES", DEFAULTS.images),
        image_service_url=_http_url(environ, "IMAGE_SERVICE_URL", DEFAULTS.image_service_url),
        image_service_timeout_s=_seconds(
            environ, "LEGACY_IMAGE_SERVICE_TIMEOUT", DEFAULTS.image_service_timeout_s
        ),
        secret_key=_secret(environ, "LEGACY_SECRET_KEY"),
        seed_password=environ.get("LEGACY_SEED_PASSWORD") or DEFAULTS.seed_password,
        changes=_switch(environ, "LEGACY_CHANGES", default=DEFAULTS.changes),
        changes_host=environ.get("LEGACY_CHANGES_HOST") or DEFAULTS.changes_host,
        changes_port=_whole(environ, "LEGACY_CHANGES_PORT", DEFAULTS.changes_port, range(65536)),
        changes_keep_days=_whole(
            environ, "LEGACY_CHANGES_KEEP_DAYS", DEFAULTS.changes_keep_days, DAYS
        ),
        changes_keep_events=_whole(
            environ, "LEGACY_CHANGES_KEEP_EVENTS", DEFAULTS.changes_keep_events, EVENTS
        ),
        changes_reader_days=_whole(
            environ, "LEGACY_CHANGES_READER_DAYS", DEFAULTS.changes_reader_days, DAYS
        ),
    )


def _one_of(environ: Mapping[str, str], name: str, default: E) -> E:
    text = environ.get(name) or default.value
    values = [member.value for member in type(default)]
    if text not in values:
        raise StartError(
            where=name,
            why=f"{_shown(text)} is none of {', '.join(values)}",
            remedy=f"set one of them, or leave it out for {default.value}",
        )
    return type(default)(text)


def _provider(environ: Mapping[str, str], name: str, *, has_key: bool) -> Provider:
    text = environ.get(name) or "auto"
    if text == "auto":
        return Provider.OPENAI if has_key else Provider.PROCEDURAL
    if text not in {provider.value for provider in Provider}:
        raise StartError(
            where=name,
            why=f"{_shown(text)} is none of auto, openai, procedural",
            remedy="set one of them, or leave it out for auto",
        )
    if text == "openai" and not has_key:
        raise StartError(
            where="OPENAI_API_KEY",
            why=f"{name} is openai, but no key is set",
            remedy=f"set the key, or set {name} to procedural",
        )
    return Provider(text)


def _http_url(environ: Mapping[str, str], name: str, default: T) -> str | T:
    text = environ.get(name)
    if not text:
        return default
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise StartError(
            where=name,
            why="it is not an http or https URL",  # not shown: it may hold a password
            remedy=f"give one such as {SHOWN_URL}, or leave it out",
        )
    return text


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


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name) or ("on" if default else "off")
    if text not in {"on", "off"}:
        raise StartError(
            where=name, why=f"{_shown(text)} is neither on nor off", remedy="give one of the two"
        )
    return text == "on"


def _database(environ: Mapping[str, str], name: str, default: str) -> str:
    """On PostgreSQL the monolith answers otherwise: lengths, NaN, numeric strings."""
    text = environ.get(name) or default
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or not (_is_sqlite_file(url) or _is_postgresql(url)):
        # only the scheme is shown: the rest of a database URL may hold a password
        scheme = text.partition(":")[0]
        raise StartError(
            where=name,
            why=f"the {_shown(scheme)} URL given names neither a SQLite file nor a PostgreSQL "
            "database",
            remedy="give sqlite:///FOLDER/FILE or postgresql://USER:PASSWORD@HOST/DATABASE, or "
            f"leave it out for {default}",
        )
    return text


def _is_sqlite_file(url: URL) -> bool:
    is_sqlite = url.drivername in {"sqlite", "sqlite+pysqlite"}
    return is_sqlite and url.database not in {None, "", ":memory:"} and not url.query


def _is_postgresql(url: URL) -> bool:
    return url.drivername in {"postgresql", "postgresql+psycopg"} and bool(url.database)


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")
