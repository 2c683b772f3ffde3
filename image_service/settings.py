"""The process's settings, read once from the environment; an empty variable counts as unset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from image_service.blobs import place
from image_service.blobs.place import BlobPlace, parse_place
from image_service.errors import StartupError
from image_service.providers.catalogue import DEFAULT_MODEL, KNOWN_MODELS, RETIRED_MODELS

ProviderName = Literal["openai", "procedural"]

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
# How much of a wrong value is shown.
_SHOWN_CHARACTERS = 60


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
        provider: Who paints; ``auto`` is resolved already.
        model: The model that OpenAI is asked for.
        openai_api_key: None when unset; set when ``provider`` is ``openai``.
        openai_base_url: None for OpenAI itself.
        delay_s: How long the procedural provider waits before it paints.
        concurrency: How many pictures are made at once, at least 1.
    """

    host: str
    port: int
    database: URL
    blob_place: BlobPlace
    url_key: bytes | None = field(repr=False)
    redirect_over_bytes: int | None
    provider: ProviderName
    model: str
    openai_api_key: str | None = field(repr=False)
    openai_base_url: str | None
    delay_s: float
    concurrency: int


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting.

    Raises:
        StartupError: For the first variable whose value cannot be used.
    """
    api_key = environ.get("OPENAI_API_KEY") or None
    return Settings(
        host=environ.get("IMAGE_HOST") or DEFAULT_HOST,
        port=_whole(environ, "IMAGE_PORT", DEFAULT_PORT, (0, _LARGEST_PORT)),
        database=_database(environ.get("IMAGE_DATABASE_URL") or DEFAULT_DATABASE_URL),
        blob_place=parse_place(environ.get(place.VARIABLE) or place.DEFAULT, environ),
        url_key=_url_key(environ.get("IMAGE_URL_KEY") or None),
        redirect_over_bytes=None,
        provider=_provider(environ.get("IMAGE_PROVIDER") or "auto", has_key=api_key is not None),
        model=_model(environ.get("IMAGE_MODEL") or DEFAULT_MODEL),
        openai_api_key=api_key,
        openai_base_url=_base_url(environ.get("OPENAI_BASE_URL") or None),
        delay_s=_delay(environ.get("IMAGE_DELAY") or "0"),
        concurrency=_whole(
            environ, "IMAGE_CONCURRENCY", DEFAULT_CONCURRENCY, (1, _LARGEST_CONCURRENCY)
        ),
    )


def _whole(environ: Mapping[str, str], variable: str, default: int, limits: tuple[int, int]) -> int:
    text = environ.get(variable) or str(default)
    low, high = limits
    is_short = len(text) <= len(str(high))
    value = int(text) if is_short and text.isascii() and text.isdigit() else None
    if value is None or not low <= value <= high:
        raise StartupError(
            where=variable,
            why=f"{_shown(text)} is not a whole number from {low} to {high}",
            remedy=f"set such a number, or unset it for {default}",
        )
    return value


def _delay(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST_DELAY_S:
        raise StartupError(
            where="IMAGE_DELAY",
            why=f"{_shown(text)} is not a number of seconds from 0 to {_LONGEST_DELAY_S:.0f}",
            remedy="set seconds without a unit, such as 1.5, or unset it for none",
        )
    return value


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


def _provider(text: str, *, has_key: bool) -> ProviderName:
    match text:
        case "procedural":
            return "procedural"
        case "auto":
            return "openai" if has_key else "procedural"
        case "openai" if has_key:
            return "openai"
        case "openai":
            raise StartupError(
                where="OPENAI_API_KEY",
                why="IMAGE_PROVIDER is openai, but no key is set",
                remedy="set the key, or set IMAGE_PROVIDER to procedural",
            )
        case _:
            raise StartupError(
                where="IMAGE_PROVIDER",
                why=f"{_shown(text)} is unknown",
                remedy="set auto, openai or procedural",
            )


def _model(text: str) -> str:
    if text in KNOWN_MODELS:
        return text
    retired = RETIRED_MODELS.get(text)
    gone = ", ".join(f"{model} on {day}" for model, day in RETIRED_MODELS.items())
    raise StartupError(
        where="IMAGE_MODEL",
        why=f"{_shown(text)} is unknown" if retired is None else f"{text} retired on {retired}",
        remedy=f"choose one of {', '.join(KNOWN_MODELS)} (retired: {gone})",
    )


def _base_url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise StartupError(
            where="OPENAI_BASE_URL",
            why=f"{_shown(text)} is not an http or https URL",
            remedy="write one such as https://api.openai.com/v1, or unset it for OpenAI itself",
        )
    return text


def _shown(text: str) -> str:
    """Quote a value so that it stays on one line and of bounded length."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
