"""The process's settings, read once from the environment; an empty variable counts as unset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from image_service.blobs import place
from image_service.blobs.place import BlobPlace, parse_place
from image_service.build import read_build
from image_service.digits import read_whole
from image_service.errors import StartupError
from image_service.job_settings import JobSettings, read_job_settings
from image_service.provider_settings import (
    ProviderName,
    read_api_key,
    read_base_url,
    read_models,
    read_number,
    read_providers,
    read_words,
    shown,
)
from image_service.providers.catalogue import DEFAULT_MODEL

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8002
DEFAULT_DATABASE_URL = "sqlite+aiosqlite:///var/images.db"
DEFAULT_CONCURRENCY = 8

_LARGEST_PORT = 65535
# An order that waits longer than this has no customer any more.
_LONGEST_DELAY_S = 600.0
_LARGEST_CONCURRENCY = 1000
_SHORTEST_KEY = 32
_DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator chose, checked.

    Attributes:
        host: The address to listen on.
        port: The port to listen on, 0..65535; 0 takes a free one.
        database: SQLite by file or PostgreSQL, with an asynchronous driver.
        blob_place: Where pictures are kept.
        url_key: Opens sizes that are no presets to who signs with it; None if nothing does.
        redirect_over_bytes: Pictures longer than this are fetched from the bucket itself; None
            for never. Only hosts that limit an answer's length set it.
        providers: Who paints, in the order in which they are asked; ``auto`` is resolved already.
        models: The models that OpenAI is asked for, in that order.
        openai_api_key: None when unset; set when ``openai`` is among ``providers``.
        openai_base_url: None for OpenAI itself.
        checks_models: Whether readiness asks OpenAI if the models are still there.
        delay_s: How long the procedural provider waits before it paints.
        jitter: By which part of itself that delay varies, 0..1.
        fail_rate: Which part of its orders fails on purpose, 0..1.
        moderation_words: Words, in lower case, for which it refuses an order.
        concurrency: How many pictures are made at once, at least 1.
        build: What this build calls itself in every answer.
        jobs: How orders are taken and carried out.
    """

    host: str
    port: int
    database: URL
    blob_place: BlobPlace
    url_key: bytes | None = field(repr=False)
    redirect_over_bytes: int | None
    providers: tuple[ProviderName, ...]
    models: tuple[str, ...]
    openai_api_key: str | None = field(repr=False)
    openai_base_url: str | None
    checks_models: bool
    delay_s: float
    jitter: float
    fail_rate: float
    moderation_words: frozenset[str]
    concurrency: int
    build: str
    jobs: JobSettings


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting.

    Raises:
        StartupError: For the first variable whose value cannot be used.
    """
    api_key = read_api_key(environ.get("OPENAI_API_KEY") or None)
    provider = environ.get("IMAGE_PROVIDER") or "auto"
    return Settings(
        host=environ.get("IMAGE_HOST") or DEFAULT_HOST,
        port=_whole(environ, "IMAGE_PORT", DEFAULT_PORT, (0, _LARGEST_PORT)),
        database=_database(environ.get("IMAGE_DATABASE_URL") or DEFAULT_DATABASE_URL),
        blob_place=parse_place(environ.get(place.VARIABLE) or place.DEFAULT, environ),
        url_key=_url_key(environ.get("IMAGE_URL_KEY") or None),
        redirect_over_bytes=None,
        providers=read_providers(provider, has_key=api_key is not None),
        models=read_models(environ.get("IMAGE_MODEL") or DEFAULT_MODEL),
        openai_api_key=api_key,
        openai_base_url=read_base_url(environ.get("OPENAI_BASE_URL") or None),
        checks_models=_switch(environ, "IMAGE_CHECK_MODELS"),
        delay_s=read_number(
            "IMAGE_DELAY",
            environ.get("IMAGE_DELAY") or "0",
            limit=_LONGEST_DELAY_S,
            what="a number of seconds",
            remedy="set seconds without a unit, such as 1.5, or unset it for none",
        ),
        jitter=_part(environ, "IMAGE_JITTER"),
        fail_rate=_part(environ, "IMAGE_FAIL_RATE"),
        moderation_words=read_words(environ.get("IMAGE_MODERATION_WORDS") or ""),
        concurrency=_whole(
            environ, "IMAGE_CONCURRENCY", DEFAULT_CONCURRENCY, (1, _LARGEST_CONCURRENCY)
        ),
        build=read_build(environ.get("IMAGE_BUILD")),
        jobs=read_job_settings(environ),
    )


def _whole(environ: Mapping[str, str], variable: str, default: int, limits: tuple[int, int]) -> int:
    text = environ.get(variable) or str(default)
    low, high = limits
    value = read_whole(text)
    if value is None or not low <= value <= high:
        raise StartupError(
            where=variable,
            why=f"{shown(text)} is not a whole number from {low} to {high}",
            remedy=f"set such a number, or unset it for {default}",
        )
    return value


def _part(environ: Mapping[str, str], variable: str) -> float:
    return read_number(
        variable,
        environ.get(variable) or "0",
        limit=1.0,
        what="a number",
        remedy="set a part of one, such as 0.1 for a tenth, or unset it for none",
    )


def _switch(environ: Mapping[str, str], variable: str) -> bool:
    text = environ.get(variable) or "0"
    if text not in ("0", "1"):
        raise StartupError(
            where=variable, why=f"{shown(text)} is neither 0 nor 1", remedy="set 1 or unset it"
        )
    return text == "1"


def _database(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in _DRIVERS:
        # The value may hold a password in a place that only a URL parser would find.
        raise StartupError(
            where="IMAGE_DATABASE_URL",
            why="it is not the URL of a database with an asynchronous driver",
            remedy="write sqlite+aiosqlite:///path/to/file.db "
            "or postgresql+asyncpg://user:password@host/database",
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise StartupError(
            where="IMAGE_DATABASE_URL",
            why=f"{text} is kept in memory and would forget its orders",
            remedy="name a file: sqlite+aiosqlite:///path/to/file.db",
        )
    return url


def _url_key(text: str | None) -> bytes | None:
    if text is not None and len(text) < _SHORTEST_KEY:
        raise StartupError(
            where="IMAGE_URL_KEY",
            why=f"its {len(text)} characters can be guessed",
            remedy=f"set {_SHORTEST_KEY} or more, such as openssl rand -hex 32 prints, or unset it",
        )
    return None if text is None else text.encode()
